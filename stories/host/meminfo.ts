/** Memory of the host in bytes. */
export interface Meminfo {
  readonly total: number
  /** What programs can still get without swapping: the file cache counts as free. */
  readonly available: number
  readonly swapTotal: number
}

/** Null where the kernel does not estimate what is available (before Linux 3.14). */
export function parseMeminfo(text: string): Meminfo | null {
  const [total, available] = [kib(text, 'MemTotal'), kib(text, 'MemAvailable')]
  if (total === null || available === null) return null
  return { total, available, swapTotal: kib(text, 'SwapTotal') ?? 0 }
}

/** A counter of `/proc/vmstat`; null where this kernel does not keep it. */
export function parseVmstat(text: string, name: string): number | null {
  const value = new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]
  return value === undefined ? null : Number(value)
}

function kib(text: string, name: string): number | null {
  const value = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]
  return value === undefined ? null : Number(value) * 1024
}
