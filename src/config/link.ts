import { registerHooks } from 'node:module'

/** Where 'healthz' was made to lead to in this process: hooks cannot be asked for, nor are they ever taken back. */
const linked = new Set<string>()

/** Lets files outside the package import 'healthz' without an install: it leads to the index at this URL. */
export function linkHealthz(index: string): void {
  if (linked.has(index)) return
  linked.add(index)
  registerHooks({
    resolve: (specifier, context, next) => next(specifier === 'healthz' ? index : specifier, context),
  })
}
