import { type OpenContext, stepOf } from 'healthz'
import { type Agent, agentAt } from './agent.ts'
import type { Options } from './options.ts'

/** Declares a step of this story. */
export const step = stepOf<Agent, Options>()

/** @throws ConnectionFailure */
export async function openAgent({ options, signal }: OpenContext<Options>): Promise<Agent> {
  const agent = agentAt(options)
  await agent.enter(signal)
  return agent
}
