import type { Secret } from './secret.ts'

/** How this process is registered with a Consul agent. Times in milliseconds. */
export interface ConsulPlan {
  readonly url: URL
  /** null: none is needed. */
  readonly token: Secret | null
  /** Authorities to trust, as PEM; null: those of the system. */
  readonly ca: string | null
  readonly insecure: boolean
  /** The name of the service. */
  readonly service: string
  /** The id of this instance; null: the service and the node. */
  readonly id: string | null
  /** Where others, and the check, reach this process; null: where its HTTP server listens. */
  readonly address: string | null
  readonly tags: readonly string[]
  readonly interval: number
  readonly timeout: number
  /** How long the check fails until Consul forgets this instance. */
  readonly deregisterAfter: number
}
