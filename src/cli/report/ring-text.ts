import { styleText } from 'node:util'
import { manners } from '../../cluster/story/faults.ts'
import type { CoordinatorFault } from '../../core/cluster.ts'
import { count, type Language, milliseconds, render, say, type Text } from '../../core/text.ts'
import { cut, displayWidth, padEnd, padStart, wrap } from './typography.ts'

/** The cluster as `healthz ring` tells it. Plain JSON. */
export interface RingReport {
  readonly cluster: string
  readonly leader: { readonly name: string; readonly epoch: number; readonly since: string } | null
  readonly quarantineSeconds: number
  readonly members: readonly RingMember[]
  readonly lost: readonly { readonly name: string; readonly host: string; readonly at: string }[]
  readonly isolated: readonly { readonly name: string; readonly fault: CoordinatorFault }[]
  readonly shards: number
  readonly entries: readonly RingEntry[]
}

export interface RingMember {
  readonly name: string
  readonly state: 'joining' | 'active' | 'leaving'
  readonly isLeader: boolean
  readonly beatAgeSeconds: number
  /** Its heartbeats have not come for so long that it has given up what it holds, if it lives. */
  readonly isSilent: boolean
  readonly shards: number
  readonly roles: readonly string[]
  readonly address: string | null
  readonly version: string
  readonly config: string
  /** Its configuration is not the one that this command has read. */
  readonly isOtherConfig: boolean
}

export interface RingEntry {
  readonly name: string
  readonly scope: 'cluster' | 'node'
  /** Who tells it; null: nobody at this moment, or, where each node does for itself, no single one. */
  readonly owner: string | null
  /** With the scope `node`: only nodes with this role tell it. */
  readonly role: string | null
}

interface Style {
  readonly width: number
  readonly colour: boolean
  readonly language: Language
}

interface Page {
  readonly tell: (text: Text) => string
  readonly paint: (style: Parameters<typeof styleText>[0], text: string) => string
  readonly width: number
}

/** The cluster for a person: who leads, who is there and who is missing, and who tells what. */
export function ringText(report: RingReport, { width, colour, language }: Style): string {
  const page: Page = {
    tell: (text) => render(text, language),
    paint: (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text),
    width,
  }
  const { members, entries } = report
  const blocks = [
    [...headOf(report, page), ...troublesOf(report, page)],
    members.length === 0 ? [] : memberTable(members, report.shards, page),
    members.length === 0 || entries.length === 0 ? [] : entryTable(report, page),
  ]
  return `${blocks.flatMap((lines) => (lines.length === 0 ? [] : [lines.join('\n')])).join('\n\n')}\n`
}

function headOf({ cluster, leader, members }: RingReport, page: Page): string[] {
  const { tell, paint, width } = page
  if (members.length === 0)
    return wrap(tell(say`${cluster}: nobody is a member; healthz -d makes one`), width)
  const number = count(members.length, 'member')
  const head =
    leader === null
      ? say`${cluster}: ${number}, no leader`
      : say`${cluster}: ${number}, ${leader.name} leads since ${clockTime(leader.since)}`
  return wrap(tell(head), width).map((line) => paint(leader === null ? ['bold', 'red'] : 'bold', line))
}

/** What is not as it should be, a line each. */
function troublesOf(
  { quarantineSeconds, lost, isolated }: RingReport,
  { tell, paint, width }: Page,
): string[] {
  const waits =
    quarantineSeconds > 0
      ? [
          say`Redis is new, or lost its data: nobody may take over for another ${milliseconds(quarantineSeconds * 1000)}`,
        ]
      : []
  const troubles = [
    ...lost.map(({ name, host, at }) => say`${name} on ${host} is lost since ${clockTime(at)}`),
    ...isolated.map(
      ({ name, fault }) => say`${name} cannot reach the coordinating Redis: ${manners[fault].words}`,
    ),
  ]
  const lines = (marked: string, colour: 'yellow' | 'red') =>
    wrap(marked, width).map((line) => paint(colour, line))
  return [
    ...waits.flatMap((text) => lines(`▲ ${tell(text)}`, 'yellow')),
    ...troubles.flatMap((text) => lines(`✗ ${tell(text)}`, 'red')),
  ]
}

const stateWords = { joining: say`joining`, active: say`active`, leaving: say`leaving` } as const

interface Column {
  readonly head: string
  readonly cells: readonly string[]
  readonly isFigure?: boolean
  /** Where there is no room for all columns, the highest goes first; 0: it stays. */
  readonly spare: number
}

function memberTable(members: readonly RingMember[], shards: number, page: Page): string[] {
  const { tell, paint, width } = page
  const column = (
    head: Text,
    cell: (member: RingMember) => string,
    more: Pick<Column, 'spare'> & Partial<Column>,
  ): Column => ({ head: tell(head), cells: members.map(cell), ...more })
  const all = [
    column('', ({ isLeader }) => (isLeader ? '★' : ''), { spare: 0 }),
    column(say`name`, ({ name }) => name, { spare: 0 }),
    column(say`state`, ({ state, isSilent }) => tell(isSilent ? say`silent` : stateWords[state]), {
      spare: 0,
    }),
    column(
      say`heartbeat`,
      ({ beatAgeSeconds }) => tell(say`${milliseconds(Math.round(beatAgeSeconds * 1000))} ago`),
      { spare: 0, isFigure: true },
    ),
    column(say`shards`, (member) => `${member.shards}/${shards}`, { spare: 1, isFigure: true }),
    column(say`roles`, ({ roles }) => roles.join(' '), { spare: 3 }),
    column(say`address`, ({ address }) => address ?? '-', { spare: 5 }),
    column(say`version`, ({ version }) => version, { spare: 4 }),
    column(say`configuration`, (one) => (one.isOtherConfig ? `${one.config} ≠` : one.config), { spare: 2 }),
  ]
  const columns = fitting(
    all.filter(({ cells, spare }) => spare === 0 || cells.some((cell) => cell !== '')),
    width,
  )
  const [head = '', ...rows] = table(columns, width)
  const isOther = members.some(({ isOtherConfig }) => isOtherConfig)
  return [
    paint('dim', head),
    ...rows.map((row, index) => (members[index]?.isSilent ? paint('yellow', row) : row)),
    ...(isOther && columns.some(({ spare }) => spare === 2)
      ? wrap(tell(say`≠ another configuration than the one that this command has read`), width).map((line) =>
          paint('yellow', line),
        )
      : []),
  ]
}

function entryTable({ entries, members }: RingReport, page: Page): string[] {
  const { tell, paint, width } = page
  const tellers = entries.map((entry) => tellerOf(entry, members))
  const columns = [
    { head: tell(say`entry`), cells: entries.map(({ name }) => name), spare: 0 },
    { head: tell(say`told by`), cells: tellers.map(({ text }) => tell(text)), spare: 0 },
  ]
  const [head = '', ...rows] = table(columns, width)
  return [
    paint('dim', head),
    ...rows.map((row, index) => (tellers[index]?.isNobody ? paint('red', row) : row)),
  ]
}

function tellerOf({ scope, owner, role }: RingEntry, members: readonly RingMember[]) {
  if (scope === 'cluster') return { text: owner ?? say`nobody at this moment`, isNobody: owner === null }
  if (role === null) return { text: say`every node, of itself`, isNobody: false }
  const isNobody = !members.some(({ roles }) => roles.includes(role))
  return isNobody
    ? { text: say`nobody: no node has the role ${role}`, isNobody }
    : { text: say`every node with the role ${role}, of itself`, isNobody }
}

const gap = 2

/** As many of the columns as there is room for. */
function fitting(columns: readonly Column[], width: number): readonly Column[] {
  const needed = columns.map(widthOf).reduce((sum, one) => sum + one + gap, -gap)
  const spare = Math.max(...columns.map((column) => column.spare))
  if (needed <= width || spare === 0) return columns
  return fitting(
    columns.filter((column) => column.spare !== spare),
    width,
  )
}

function widthOf({ head, cells }: Column): number {
  return Math.max(...[head, ...cells].map(displayWidth))
}

/** The lines of a table, its heading first. */
function table(columns: readonly Column[], width: number): string[] {
  const rows = (columns[0]?.cells ?? []).map((_, row) => columns.map(({ cells }) => cells[row] ?? ''))
  return [columns.map(({ head }) => head), ...rows].map((row) => {
    const padded = row.map((cell, index) => {
      const column = columns[index]
      if (column === undefined) return cell
      return column.isFigure ? padStart(cell, widthOf(column)) : padEnd(cell, widthOf(column))
    })
    return cut(padded.join(' '.repeat(gap)).trimEnd(), width)
  })
}

const clockTime = (iso: string) => `${iso.slice(0, 19).replace('T', ' ')} UTC`
