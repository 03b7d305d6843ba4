import { createHmac } from 'node:crypto'
import type { Secret } from 'healthz'

/**
 * The headers by which a receiver knows who sent a body, and when: `X-Healthz-Timestamp` (seconds since 1970) and
 * `X-Healthz-Signature: sha256=<hex>`, the HMAC-SHA256 of `<timestamp>.<body>` under the shared secret. A receiver
 * compares in constant time and refuses a timestamp that is minutes old.
 */
export function signatureOf(secret: Secret, at: Date, body: string): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(at.getTime() / 1000))
  const signature = createHmac('sha256', secret.reveal()).update(`${timestamp}.${body}`).digest('hex')
  return { 'X-Healthz-Timestamp': timestamp, 'X-Healthz-Signature': `sha256=${signature}` }
}
