import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import type { Digest } from 'healthz'
import type { SendMailOptions } from 'nodemailer'
import type { Address, MailOptions, MailServer } from './options.ts'
import { pageOf } from './page.ts'

/** The mail that tells a digest: all of it but the envelope. */
export function messageOf(digest: Digest, options: MailOptions, server: MailServer): SendMailOptions {
  // Not the sender's domain where that depends on the server: another attempt has to give the same id.
  const { id, ancestors } = threadOf(digest, domainOf(options.from ?? options.to[0]))
  return {
    from: senderOf(options, server, digest),
    to: [...options.to],
    subject: digest.subject,
    date: new Date(digest.at),
    messageId: id,
    ...(ancestors[0] !== undefined && { inReplyTo: ancestors[0], references: [...ancestors] }),
    text: digest.text,
    html: pageOf(digest),
    ...(digest.severity === 'critical' && { priority: 'high' }),
    headers: {
      'X-Healthz-Key': digest.key,
      // RFC 3834, and what Exchange looks for: no out-of-office note comes back.
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
    },
  }
}

/** The configured sender, else who logs in, else the watchman at this host. */
function senderOf({ from }: MailOptions, { user }: MailServer, { platform }: Digest): Address {
  if (from !== undefined) return from
  return { name: `healthz ${platform}`, address: user?.includes('@') ? user : `healthz@${hostname()}` }
}

/** Every ancestor is some 45 bytes of a header; servers refuse headers of some ten thousands. */
const mostAncestors = 100

/**
 * Mails that tell of the same occurrence are one thread: each names the occurrences it tells of as its ancestors, as
 * if there had been a mail of each. The id is the digest's, so that one that comes twice is recognised.
 */
function threadOf(digest: Digest, domain: string): { id: string; ancestors: readonly string[] } {
  const occurrences = [...new Set(digest.alarms.map(({ occurrence }) => occurrence))].slice(0, mostAncestors)
  return {
    id: `<${digest.key}@${domain}>`,
    ancestors: occurrences.map((occurrence) => {
      const hash = createHash('sha256').update(occurrence).digest('hex').slice(0, 24)
      return `<${hash}.occurrence@${domain}>`
    }),
  }
}

function domainOf(address: Address | undefined): string {
  return address?.address.split('@').at(-1) ?? 'healthz.invalid'
}
