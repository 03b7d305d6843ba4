import { createRedactor, defineChannel, findSecrets, type Redact, say } from 'healthz'
import { faultOf } from './answer.ts'
import { contentOf } from './content.ts'
import { exchange } from './exchange.ts'
import { type WebhookOptions, webhookOptions } from './options.ts'
import { signatureOf } from './signature.ts'

/**
 * Sends the digest, or what the template makes of it, to an URL. The digest's key goes along as `X-Healthz-Key` and
 * `Idempotency-Key`: a receiver may drop what it has seen. No proxy is used and no redirect is followed.
 * @throws Undeliverable when the receiver refuses the request for good; TryLater when it says when to come back.
 */
export default defineChannel({
  title: say`Webhook`,
  options: webhookOptions,
  async send({ options, digest, signal, isWithdrawn }) {
    const { body, type } = contentOf(options, digest)
    const headers = {
      'content-type': type,
      'user-agent': 'healthz',
      ...authorizationOf(options),
      ...revealed(options.headers),
      'idempotency-key': digest.key,
      'x-healthz-key': digest.key,
      ...(options.secret !== undefined && signatureOf(options.secret, new Date(digest.at), body)),
    }
    const answer = await exchange({ options, body, headers, signal, isWithdrawn, hide: redactorOf(options) })
    const fault = faultOf(answer, options.url.url.host)
    if (fault !== null) throw fault
  },
})

function authorizationOf({ url: { user, password } }: WebhookOptions): Readonly<Record<string, string>> {
  if (user === undefined && password === undefined) return {}
  const credentials = Buffer.from(`${user ?? ''}:${password?.reveal() ?? ''}`).toString('base64')
  return { authorization: `Basic ${credentials}` }
}

function revealed(headers: WebhookOptions['headers']): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : value.reveal(),
    ]),
  )
}

/** Many a webhook's path is its password, and error pages like to quote it; so they do a token without its `Bearer`. */
function redactorOf(options: WebhookOptions): Redact {
  const { pathname, search, searchParams } = options.url.url
  const secrets = [...findSecrets(options)].flatMap((secret) => [secret, ...secret.split(/\s+/)])
  return createRedactor([...secrets, pathname + search, pathname, ...searchParams.values()])
}
