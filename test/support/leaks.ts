/** What tests put wherever a secret can stand; its end has to be encoded in a URL. */
export const secret = 'hunter2SECRET+/@'

/** The secret as a URL holds it. */
export const secretInUrl = encodeURIComponent(secret)

/** What of it may stand nowhere: itself, and its base64 behind any user name. */
const forms = ['hunter2SECRET', ...[0, 1, 2].map((before) => base64From(before))]

/** The places, by name, whose text holds the secret in any form. */
export function leaksIn(places: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(places).flatMap(([name, text]) => {
    const at = forms.map((form) => text.indexOf(form)).find((index) => index !== -1)
    return at === undefined ? [] : [`${name}: ${text.slice(Math.max(0, at - 120), at + 40)}`]
  })
}

/** The part of its base64 that is the same whatever stands before it, by how many bytes that is beyond a third. */
function base64From(before: number): string {
  const encoded = Buffer.from(`${'x'.repeat(before)}hunter2SECRET`).toString('base64')
  return encoded.slice(before === 0 ? 0 : 4, -4)
}
