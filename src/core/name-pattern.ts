/** Whether one of the patterns, in which `*` stands for anything, is the whole name. */
export function isNamed(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    const expression = pattern.replace(/[\\^$.+?()[\]{}|]/g, '\\$&').replaceAll('*', '.*')
    return new RegExp(`^${expression}$`, 's').test(name)
  })
}
