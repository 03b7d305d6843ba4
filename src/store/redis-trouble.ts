import type { CoordinatorFault } from '../core/cluster.ts'
import { CoordinatorLost, type RedisLink } from '../core/redis-link.ts'
import type { Trouble } from '../core/store.ts'
import { say, type Text } from '../core/text.ts'

/** Faults with which Redis still answers who only reads. */
const onlyWrites: readonly (CoordinatorFault | null)[] = [
  'readonly',
  'noreplicas',
  'oom',
  'misconf',
  'noperm',
  null,
]

/** A link that remembers what last went wrong on it, until the like goes well again. */
export function watchedLink(link: RedisLink): { link: RedisLink; trouble: () => Trouble | null } {
  let failure: Error | null = null
  const watch = async <Reply>(isWrite: boolean, work: Promise<Reply>): Promise<Reply> => {
    try {
      const reply = await work
      if (isWrite || !onlyWrites.includes(faultOf(failure))) failure = null
      return reply
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error))
      throw error
    }
  }
  return {
    link: {
      call: (...command) => watch(false, link.call(...command)),
      run: (script, keys, args) => watch(true, link.run(script, keys, args)),
      reset: () => link.reset(),
      [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
    },
    trouble: () => (failure === null ? null : { text: wordsOf(failure), isWritable: false }),
  }
}

/** null: an error of a command's own. */
function faultOf(failure: Error | null): CoordinatorFault | null {
  return failure instanceof CoordinatorLost ? failure.fault : null
}

function wordsOf(failure: Error): Text {
  switch (faultOf(failure)) {
    case 'unreachable':
      return say`the store's Redis cannot be reached`
    case 'slow':
      return say`the store's Redis answers too late or not at all`
    case 'readonly':
      return say`the store's Redis is a replica and takes no writes`
    case 'loading':
      return say`the store's Redis is still loading its data`
    case 'masterdown':
      return say`the store's Redis is a replica that has lost its master`
    case 'clusterdown':
      return say`the store's Redis is a cluster that does not serve all of its slots`
    case 'noreplicas':
      return say`the store's Redis has too few replicas and takes no writes`
    case 'oom':
      return say`the store's Redis has no memory left and takes no writes`
    case 'misconf':
      return say`the store's Redis cannot save its data and takes no writes`
    case 'busy':
      return say`the store's Redis is held up by a script`
    case 'auth':
      return say`the store's Redis does not accept the login`
    case 'noperm':
      return say`the store's Redis does not allow a command that the store needs: ${failure.message}`
    default:
      return say`the store's Redis refuses to serve: ${failure.message}`
  }
}
