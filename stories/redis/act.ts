import { CannotTell, ConnectionFailure, DidNotHelp, type RedisConnection } from 'healthz'

/**
 * Runs a command of a cure.
 * @throws DidNotHelp that names the right where the user lacks it; RedisRefusal for the command's own errors.
 */
export async function act(
  node: RedisConnection,
  command: string,
  ...args: readonly (string | number)[]
): Promise<unknown> {
  try {
    return await node.call(command, ...args)
  } catch (error) {
    if (error instanceof CannotTell) throw new DidNotHelp(error.reason)
    if (error instanceof ConnectionFailure && error.kind === 'not-allowed')
      throw new DidNotHelp(error.summary)
    throw error
  }
}
