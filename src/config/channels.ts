import type { Channel } from '../core/channel.ts'
import type { ChannelEntry } from '../core/plan.ts'
import { say } from '../core/text.ts'
import { check, type Reading } from './check.ts'
import type { Kinds } from './kinds.ts'
import { isMapping } from './raw.ts'
import type { Path } from './source.ts'

/** Reads the mapping `channels`; those with faults are left out. */
export async function readChannels(
  raw: unknown,
  channels: Kinds<Channel>,
  reading: Reading,
): Promise<readonly ChannelEntry[]> {
  const pairs = isMapping(raw) ? Object.entries(raw) : []
  const read = await Promise.all(
    pairs.map(([name, value]) => readChannel(name, value, ['channels', name], channels, reading)),
  )
  return read.filter((channel) => channel !== null)
}

async function readChannel(
  name: string,
  raw: unknown,
  path: Path,
  channels: Kinds<Channel>,
  reading: Reading,
): Promise<ChannelEntry | null> {
  const { findings } = reading
  if (!isMapping(raw)) {
    findings.at(path, say`a channel is a mapping with "use" and its options`)
    return null
  }
  const { use: kind, ...given } = raw
  if (typeof kind !== 'string') {
    findings.at([...path, 'use'], say`"use" is missing, or is not a text`, {
      hint: say`name a kind: use: mail`,
    })
    return null
  }
  const channel = await channels.use(kind, [...path, 'use'])
  const options = channel && check(channel.options, given, path, reading, ['use'])
  return channel && options && { name, kind, channel, options: options.value }
}
