/** Whether a version such as `v1.10.2-rc1` is at least another; missing parts count as 0, words are left out. */
export function isAtLeast(version: string, minimum: string): boolean {
  const [has, needs] = [partsOf(version), partsOf(minimum)]
  const length = Math.max(has.length, needs.length)
  for (let index = 0; index < length; index++) {
    const difference = (has[index] ?? 0) - (needs[index] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return true
}

/** Whether there is a number in it at all. */
export const isVersion = (text: string) => partsOf(text).length > 0

function partsOf(text: string): readonly number[] {
  const [numbers = ''] = /\d+(?:\.\d+)*/.exec(text) ?? []
  return numbers === '' ? [] : numbers.split('.').map(Number)
}
