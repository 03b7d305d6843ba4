import { ConnectionFailure } from '../../core/failure.ts'
import type { Severity } from '../../core/outcome.ts'
import { milliseconds, percent, say, seconds, type Text } from '../../core/text.ts'
import type { RedisInfo } from './info.ts'

/** How far a server that loads its data has come; critical once that takes longer than `max` milliseconds. */
export async function stillLoading(
  server: { readonly address: string; info(...sections: string[]): Promise<RedisInfo> },
  max: number,
): Promise<ConnectionFailure> {
  const info = await server.info('persistence', 'server')
  const startedAt = info.numberOr('loading_start_time', 0)
  const now = info.numberOr('server_time_usec', Date.now() * 1000) / 1_000_000
  const lasted = startedAt === 0 ? 0 : Math.max(0, now - startedAt) * 1000
  const detail = progressOf(info, lasted)
  if (lasted <= max) return new ConnectionFailure('starting', server.address, { detail })
  return new StuckLoading('starting', server.address, {
    detail: say`${detail}, longer than ${milliseconds(max)}`,
  })
}

class StuckLoading extends ConnectionFailure {
  override get severity(): Severity {
    return 'critical'
  }
}

function progressOf(info: RedisInfo, lasted: number): Text {
  const share = info.numberOr('loading_loaded_perc', null)
  const rest = info.numberOr('loading_eta_seconds', null)
  if (share === null || rest === null) return say`it loads its data since ${milliseconds(lasted)}`
  return say`it has loaded ${percent(share)} of its data in ${milliseconds(lasted)} and needs about ${seconds(rest)} more`
}
