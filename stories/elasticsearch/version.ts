/** Which of the two products a node runs, and its version as numbers: as text, 10 would come before 7. */
export interface Version {
  readonly product: 'elasticsearch' | 'opensearch'
  readonly number: string
}

/** Whether it is this version of the product or a later one. */
export function isFrom({ product, number }: Version, wanted: Version['product'], least: string): boolean {
  if (product !== wanted) return false
  const [own, other] = [partsOf(number), partsOf(least)]
  for (let at = 0; at < other.length; at++) {
    const [a = 0, b = 0] = [own[at], other[at]]
    if (a !== b) return a > b
  }
  return true
}

const partsOf = (number: string) => number.split(/[.-]/).map((part) => Number.parseInt(part, 10) || 0)

/** How a request says how long to wait for the elected master. */
export const masterWait = (version: Version) =>
  isFrom(version, 'opensearch', '2.0') ? 'cluster_manager_timeout=3s' : 'master_timeout=3s'
