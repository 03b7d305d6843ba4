import type { StepContext } from 'healthz'

/**
 * For how many milliseconds each of these was so, as far as this step has seen it: Consul itself does not tell. What
 * is no longer so is forgotten.
 */
export function lasting(
  ids: readonly string[],
  { recall, remember, now }: Pick<StepContext, 'recall' | 'remember' | 'now'>,
): (id: string) => number {
  const before = recall<Readonly<Record<string, number>>>()?.value ?? {}
  const since = Object.fromEntries(ids.map((id) => [id, before[id] ?? now()]))
  remember(since)
  return (id) => now() - (since[id] ?? now())
}
