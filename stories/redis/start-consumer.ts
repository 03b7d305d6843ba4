import { type Cure, launch, say } from 'healthz'
import { lengthOf } from './key-lengths.ts'
import type { RedisTarget } from './target.ts'

/** Runs the command that starts who takes from a key, unless the key is short enough by now. */
export function startConsumer(argv: readonly string[], key: string, max: number, target: RedisTarget): Cure {
  return {
    title: say`run the configured start command, ${argv[0] ?? ''}`,
    consent: 'ask',
    target: `${target.node.address} ${key}`,
    settle: 2000,
    async run({ signal }) {
      if ((await lengthOf(target, key)) > max) await launch(argv, signal)
    },
  }
}
