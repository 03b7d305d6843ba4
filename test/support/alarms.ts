import { type Alarm, type AlarmKind, alarmOf, healedAlarm } from '../../src/core/alarm.ts'
import type { Digest } from '../../src/core/channel.ts'
import { digestOf } from '../../src/core/digest.ts'
import type { ProblemState } from '../../src/core/judge.ts'
import { english, type Language, percent, say } from '../../src/core/text.ts'

/** 2026-11-20 22:45:00 UTC, when the problems of these alarms began. */
export const began = Date.UTC(2026, 10, 20, 22, 45)

/** An alarm about a cache that is full, told two minutes after it began, unless the test says otherwise. */
export function anAlarm(
  kind: AlarmKind = 'raised',
  { at = began + 120_000, ...given }: AlarmParts = {},
): Alarm {
  const { entry = 'cache', story = 'redis', title = 'Redis', tags = [], ...changes } = given
  const subject = { name: entry, kind: story, title, tags }
  const problem = aProblem(changes)
  return kind === 'healed' ? healedAlarm(subject, at, problem) : alarmOf(subject, { kind, at, problem })
}

export type AlarmParts = Partial<ProblemState & Pick<Alarm, 'entry' | 'story' | 'title' | 'tags' | 'at'>>

function aProblem(changes: Partial<ProblemState>): ProblemState {
  return {
    step: 'memory',
    key: '',
    phase: 'raised',
    severity: 'critical',
    summary: say`memory is ${percent(93)} full`,
    advice: say`raise maxmemory`,
    evidence: {},
    since: began,
    raisedAt: began + 1000,
    seenAt: began + 1000,
    bad: 2,
    good: 0,
    goodSince: null,
    toldAt: null,
    flapping: false,
    tried: [],
    cure: null,
    ...changes,
  }
}

/** What node web-1 of the platform shop tells of the alarms, at once. */
export function aDigest(alarms: readonly Alarm[] = [anAlarm()], language: Language = english): Digest {
  const at = Math.max(...alarms.map((alarm) => alarm.at))
  return digestOf(alarms, { platform: 'shop', node: 'web-1', language, at })
}

/** The words of a digest in Chinese, and those of `anAlarm`. */
export const chinese: Language = {
  code: 'zh-CN',
  texts: {
    ', ': '、',
    'unit s': '秒',
    'unit min': '分钟',
    'unit h': '小时',
    '{0}: {1}': '{0}：{1}',
    '{0} ({1})': '{0}（{1}）',
    CRITICAL: '严重',
    WARNING: '警告',
    OK: '正常',
    RAISED: '发生',
    WORSE: '恶化',
    STILL: '持续',
    HEALED: '已自愈',
    RECOVERED: '已恢复',
    'NO LONGER WATCHED': '不再监控',
    '{0} raised': '{0} 项发生',
    '{0} worse': '{0} 项恶化',
    '{0} still there': '{0} 项持续',
    '{0} healed': '{0} 项已自愈',
    '{0} recovered': '{0} 项已恢复',
    '{0} no longer watched': '{0} 项不再监控',
    'since {0}, for {1}': '始于 {0}，已持续 {1}',
    'since {0}': '始于 {0}',
    'healed after {0}; it began {1}': '{0}后自愈；始于 {1}',
    'recovered after {0}: from {1} to {2}': '{0}后恢复：{1} 至 {2}',
    'it began {0} and was last seen {1}': '始于 {0}，最后一次出现于 {1}',
    '{0}; it comes and goes': '{0}；时有时无',
    '{0} (told {1} late)': '{0}（迟到 {1}）',
    '{0} ({1}): healed in {2}': '{0}（{1}）：{2}内治愈',
    '{0} ({1}): did not help, took {2}': '{0}（{1}）：无效，用时 {2}',
    '{0} ({1}): failed after {2}': '{0}（{1}）：{2}后失败',
    '{0} ({1}): only rehearsed, nothing was changed': '{0}（{1}）：仅演练，未作任何更改',
    '{0} ({1}): held back': '{0}（{1}）：暂缓',
    tried: '已尝试',
    'what to do': '处理建议',
    'waits for your consent': '等待您的同意',
    details: '详情',
    where: '位置',
    'healthz of {0}, node {1}, {2}': '{0} 的 healthz，节点 {1}，{2}',
    'memory is {0} full': '内存已使用 {0}',
    'raise maxmemory': '调大 maxmemory',
  },
}
