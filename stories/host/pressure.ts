/** How much of the time tasks waited for something, in percent (the kernel's "pressure stall information"). */
export interface Pressure {
  /** At least one task waited. */
  readonly some: Averages
  /** All tasks waited, so that nothing was done; null where that cannot be. */
  readonly full: Averages | null
}

/** Over the last 10, 60 and 300 seconds. */
export interface Averages {
  readonly avg10: number
  readonly avg60: number
  readonly avg300: number
}

/** Null where this kernel does not tell. */
export function parsePressure(text: string | null): Pressure | null {
  const some = averages(text ?? '', 'some')
  return some === null ? null : { some, full: averages(text ?? '', 'full') }
}

function averages(text: string, kind: string): Averages | null {
  const [, ...found] =
    new RegExp(`^${kind} avg10=([\\d.]+) avg60=([\\d.]+) avg300=([\\d.]+)`, 'm').exec(text) ?? []
  const [avg10, avg60, avg300] = found.map(Number)
  if (avg10 === undefined || avg60 === undefined || avg300 === undefined) return null
  return { avg10, avg60, avg300 }
}
