import type { Guard, RedisLink } from '../../../src/core/redis-link.ts'
import type { Fence, Store } from '../../../src/core/store.ts'
import { redisStore } from '../../../src/store/redis.ts'

/** Opens stores over a link, each with keys of its own. */
export function freshStores(link: RedisLink): () => Promise<Store & { readonly prefix: string }> {
  let opened = 0
  return async () => {
    const prefix = `{hz:test-${opened++}}:`
    await newEpoch(link, prefix, 2)
    return { ...storeAt(link, prefix, { epoch: 2 }), prefix }
  }
}

/** A store whose writers may write with the epoch that was named last, and with no older one. */
export function storeAt(link: RedisLink, prefix: string, fence: Fence): Store {
  return redisStore(link, { prefix, guard: epochGuard(prefix), fence: () => fence })
}

export async function newEpoch(link: RedisLink, prefix: string, epoch: number): Promise<void> {
  await link.call('SET', `${prefix}test:epoch`, epoch)
}

/** Takes two keys and two arguments, as a guard may. */
function epochGuard(prefix: string): Guard {
  return {
    lua: `
      local function guard(keys, args, offset)
        local newest = redis.call('GET', keys[1])
        redis.call('EXISTS', keys[2])
        if args[offset + 1] ~= 'test' then return 'arguments' end
        if newest ~= args[offset + 2] then return 'epoch ' .. args[offset + 2] .. ' is over' end
        return nil
      end
    `,
    keys: [`${prefix}test:epoch`, `${prefix}test:asked`],
    width: 2,
    args: ({ epoch }) => ['test', epoch],
  }
}
