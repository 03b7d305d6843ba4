import { parseJson, say, type Text, valueAt } from 'healthz'
import type { Options } from './options.ts'
import { shown, step } from './target.ts'

/** The page says what it should: one with status 200 can still be an error. */
export const body = step({
  title: say`the page says what it should`,
  on: ({ body }) => body !== undefined,
  async check({ target, options, signal, problem, cannotTell }) {
    const { response, url } = await target.page(signal)
    const faults = faultsOf(response.body, options.body ?? {})
    const [fault] = faults
    if (fault === undefined) return
    if (response.isTruncated && options.body?.json !== undefined) {
      cannotTell(say`the page is longer than the 1 MiB that is read`)
    }
    problem({
      severity: 'critical',
      summary: say`${shown(url)} does not say what it should: ${faults}`,
      advice: say`open the page and see what it says instead; correct this entry if the page was changed on purpose`,
      evidence: { begins: excerpt(response.body) },
    })
  },
})

function faultsOf(text: string, { contains, matches, json }: NonNullable<Options['body']>): readonly Text[] {
  const faults: Text[] = []
  const begins = excerpt(text)
  if (contains !== undefined && !text.includes(contains)) {
    faults.push(say`it lacks "${contains}" and begins with "${begins}"`)
  }
  if (matches !== undefined && !matches.test(text)) {
    faults.push(say`it does not match ${matches.source} and begins with "${begins}"`)
  }
  if (json === undefined) return faults
  const document = parseJson(text)
  if (document === undefined) return [...faults, say`it is no JSON and begins with "${begins}"`]
  const value = valueAt(document, json.path)
  if (value === json.is) return faults
  const wanted = JSON.stringify(json.is)
  return value === undefined
    ? [...faults, say`it has no ${json.path.text}, which should be ${wanted}`]
    : [...faults, say`${json.path.text} is ${excerpt(JSON.stringify(value))} and should be ${wanted}`]
}

/** The first characters, in one line. */
function excerpt(text: string): string {
  return text.slice(0, 200).replace(/\s+/g, ' ').trim().slice(0, 40)
}
