/** Thrown when the address to listen on cannot be had. */
export class CannotListen extends Error {
  override readonly name = 'CannotListen'
}
