import { milliseconds, type StepContext, say } from 'healthz'
import type { Options } from './options.ts'
import { type Broker, nodesIfTold } from './target.ts'

/** Notes that a node started too short a while ago for the broker to be judged by its pace, and says whether. */
export async function isStarting({
  target,
  limits,
  signal,
  note,
}: StepContext<Broker, Options, { readonly grace: number }>): Promise<boolean> {
  const nodes = await nodesIfTold(target, signal)
  const uptimes = nodes.flatMap(({ isRunning, uptime }) => (isRunning && uptime !== null ? uptime : []))
  const youngest = Math.min(...uptimes)
  if (youngest >= limits.grace) return false
  note(
    say`a node has been up for ${milliseconds(youngest)}; this is judged from ${milliseconds(limits.grace)} on`,
  )
  return true
}
