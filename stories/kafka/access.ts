import type { Link } from './link.ts'
import type { Address, Options } from './options.ts'
import type { Picture } from './picture.ts'

/** The ways to the brokers of a Kafka. */
export interface Access {
  /** To a broker that answered: what any of them knows is asked here. */
  readonly link: Link
  readonly options: Options
  /** The brokers and topics, asked once for the steps that ask together. @throws ConnectionFailure */
  picture(signal: AbortSignal): Promise<Picture>
  /** The connection to a place, opened once. @throws ConnectionFailure */
  to(place: Address, signal: AbortSignal): Promise<Link>
  /**
   * Another connection, for what a broker passes on to the controller: it answers one after the other, and waits
   * where no controller leads.
   */
  apart(place: Address, signal: AbortSignal): Promise<Link>
}
