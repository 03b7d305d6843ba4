import type { Digest } from 'healthz'
import type { WebhookOptions } from './options.ts'
import { fill, type Json } from './template.ts'

export interface Content {
  readonly body: string
  /** The content type; one that is configured goes before it. */
  readonly type: string
}

/**
 * The body as JSON: the filled template, or the whole digest. A template that is one string, together with a content
 * type that is not JSON, is sent as it is.
 */
export function contentOf({ body, headers }: WebhookOptions, digest: Digest): Content {
  const configured = headers['content-type']
  const type = typeof configured === 'string' ? configured : 'application/json'
  const filled: Json | Digest = body === undefined ? digest : fill(body, digest)
  if (typeof filled === 'string' && !/json/i.test(type)) return { body: filled, type }
  return { body: JSON.stringify(filled), type }
}
