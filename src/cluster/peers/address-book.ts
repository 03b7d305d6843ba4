/** Where peers are reached: at the addresses of the last view and at the seeds, nowhere else. */
export interface AddressBook {
  addressOf(name: string): string | null
  /** The addresses of these peers, and of the seeds whose names are not known or not among them. */
  of(peers: readonly string[]): readonly string[]
  /** Whoever answers at an address has this name. */
  learn(address: string, name: string): void
}

export function createAddressBook(ports: {
  readonly self: string
  readonly peersOf: () => readonly { readonly name: string; readonly address: string | null }[]
  readonly seeds: readonly string[]
}): AddressBook {
  const { self, peersOf, seeds } = ports
  const seedNames = new Map<string, string>()
  function addressOf(name: string): string | null {
    const member = peersOf().find((peer) => peer.name === name)
    return member?.address ?? seeds.find((seed) => seedNames.get(seed) === name) ?? null
  }
  return {
    addressOf,
    of(peers) {
      const unknown = seeds.filter((seed) => {
        const name = seedNames.get(seed)
        return name !== self && (name === undefined || !peers.includes(name))
      })
      return [...new Set([...peers.flatMap((name) => addressOf(name) ?? []), ...unknown])]
    },
    learn(address, name) {
      if (seeds.includes(address)) seedNames.set(address, name)
    },
  }
}
