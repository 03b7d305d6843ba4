import { createRedactor, defineChannel, findSecrets, say, Undeliverable } from 'healthz'
import { messageOf } from './message.ts'
import { mailOptions } from './options.ts'
import { offer, type Refusal } from './server.ts'

/**
 * One digest, one mail. The servers are tried in turn until every recipient is taken; each has its own deadline, so
 * that one that hangs is followed by the next. The mail counts as delivered when a server took it for anybody: whom
 * none took it for is named in the result, and is not tried again, since the others would get the mail twice. A
 * server that keeps the mail and does not say so makes it come twice, under one Message-ID.
 * @throws Undeliverable when every server refuses every recipient, or the mail as such, for good.
 */
export default defineChannel({
  title: say`Mail`,
  options: mailOptions,
  async send({ options, digest, signal }) {
    const hide = createRedactor(findSecrets(options))
    const everybody = options.to.map(({ address }) => address)
    let waiting: readonly string[] = everybody
    const refusals = new Map<string, Refusal>()
    const troubles: string[] = []
    let isHopeless = true

    for (const server of options.smtp) {
      if (signal.aborted) break
      const message = messageOf(digest, options, server)
      const offered = await offer(server, { message, to: waiting, options, signal, hide })
      waiting = waiting.filter((address) => !offered.taken.includes(address))
      if (waiting.length === 0) return
      for (const refusal of offered.refusals) refusals.set(refusal.address, refusal)
      if (offered.trouble !== null) troubles.push(offered.trouble)
      isHopeless &&= offered.refusals.length > 0 && offered.refusals.every(({ isForGood }) => isForGood)
    }

    if (waiting.length < everybody.length) {
      return { refused: waiting.map((address) => refusals.get(address)?.words ?? address) }
    }
    signal.throwIfAborted()
    const words = troubles.join('; ')
    throw isHopeless ? new Undeliverable(words) : new Error(words)
  },
})
