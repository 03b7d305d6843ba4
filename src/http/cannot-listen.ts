import { render, type Text } from '../core/text.ts'

/** Thrown when the address to listen on cannot be had. */
export class CannotListen extends Error {
  override readonly name = 'CannotListen'
  readonly #reason: Text

  constructor(reason: Text, options?: ErrorOptions) {
    super(render(reason), options)
    this.#reason = reason
  }

  get reason(): Text {
    return this.#reason
  }
}
