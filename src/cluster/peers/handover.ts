import { waysTo } from '../picker/reach.ts'
import type { PickerState } from '../picker/types.ts'
import type { PeerClient } from './client.ts'
import { type Handed, limitOf, nothingTaken, type Receipt, receipt } from './messages.ts'

export interface Handing {
  readonly self: string
  readonly cluster: string
  readonly client: PeerClient
  readonly addressOf: (name: string) => string | null
  /** Milliseconds for each batch. */
  readonly deadline: number
  readonly signal: AbortSignal
  /** Over how many nodes they may still go. */
  readonly hops: number
  /** Who gave them; they do not go back. */
  readonly except: string | null
}

/** Room for what stands around the alarms. */
const frame = 2048

/** Hands alarms to a node, over others where it must be, and says what became of them. */
export async function handOver(
  alarms: readonly Handed[],
  { state, to, now, period }: { state: PickerState; to: string; now: number; period: number },
  { self, cluster, client, addressOf, deadline, signal, hops, except }: Handing,
): Promise<Receipt> {
  if (hops <= 0 || alarms.length === 0) return nothingTaken
  const ways = waysTo(state, to, now, period).filter((name) => name !== except && name !== self)
  const receipts: Receipt[] = []
  for (const batch of batchesOf(alarms, limitOf('alarms') - frame)) {
    const message = { cluster, from: self, to, hops, alarms: batch }
    for (const way of ways) {
      const address = addressOf(way)
      if (address === null) continue
      const question = { address, act: 'alarms', message, answer: receipt, deadline, signal } as const
      const taken = await client.ask(question).catch(() => nothingTaken)
      if (taken.sent.length + taken.pending.length + taken.declined.length === 0) continue
      receipts.push(taken)
      break
    }
  }
  return {
    sent: receipts.flatMap(({ sent }) => sent),
    pending: receipts.flatMap(({ pending }) => pending),
    declined: receipts.flatMap(({ declined }) => declined),
  }
}

function batchesOf(alarms: readonly Handed[], most: number): Handed[][] {
  const batches: Handed[][] = []
  let room = 0
  for (const alarm of alarms) {
    const size = Buffer.byteLength(JSON.stringify(alarm)) + 1
    const batch = batches.at(-1)
    if (batch === undefined || size > room) {
      batches.push([alarm])
      room = most - size
    } else {
      batch.push(alarm)
      room -= size
    }
  }
  return batches
}
