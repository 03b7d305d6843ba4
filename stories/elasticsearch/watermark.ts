import type { Settings } from './settings.ts'

export type Stage = 'low' | 'high' | 'flood_stage' | 'flood_stage.frozen'

/** A watermark as it is set, and how many bytes must stay free so that it is not passed. */
export interface Watermark {
  readonly set: string
  readonly free: number
}

/**
 * A watermark for a disk of this size. It is the share that may be used (`85%`, `0.85`), of which not more than the
 * headroom must stay free from version 8.5 on, or what must stay free (`50gb`). Null where it cannot be told.
 */
export function watermarkOf(settings: Settings, stage: Stage, total: number): Watermark | null {
  const name = `cluster.routing.allocation.disk.watermark.${stage}`
  const set = settings.get(name)
  if (set === undefined) return null
  const used = shareOf(set)
  if (used === null) {
    const free = bytesOf(set)
    return free === null ? null : { set, free }
  }
  const free = (1 - used) * total
  const headroom = bytesOf(settings.get(`${name}.max_headroom`) ?? '-1')
  return { set, free: headroom === null || headroom < 0 ? free : Math.min(free, headroom) }
}

function shareOf(text: string): number | null {
  const [, digits, sign] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text.trim()) ?? []
  if (digits === undefined) return null
  const value = Number(digits)
  if (sign === '%') return value / 100
  return value <= 1 ? value : null
}

function bytesOf(text: string): number | null {
  const [, digits, unit = ''] = /^(-?\d+(?:\.\d+)?)\s*(b|[kmgtp]b?|)$/i.exec(text.trim()) ?? []
  const power = ['b', 'k', 'm', 'g', 't', 'p'].indexOf(unit.toLowerCase().charAt(0) || 'b')
  return digits === undefined || power === -1 ? null : Number(digits) * 1024 ** power
}
