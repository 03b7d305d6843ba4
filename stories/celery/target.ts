import { type OpenContext, stepOf } from 'healthz'
import { openAmqp } from './amqp-broker.ts'
import { isRedis, type Options } from './options.ts'
import { openRedis } from './redis-broker.ts'
import type { Broker } from './workers.ts'

/** Declares a step of this story. */
export const step = stepOf<Broker, Options>()

/** @throws ConnectionFailure */
export function openBroker({ options, signal }: OpenContext<Options>): Promise<Broker> {
  const { broker } = options
  if (broker === undefined || isRedis(options)) return openRedis(options, signal)
  return openAmqp({ ...options, broker }, signal)
}
