import type { Digest, DigestAlarm, DigestLabels } from 'healthz'
import { linesOf, type Markup, markup } from './markup.ts'

/**
 * The digest as HTML for mail clients: tables and inline styles, since many know nothing else; nothing is loaded.
 * Where the client shows mails dark, the classes take over.
 */
export function pageOf(digest: Digest): string {
  const colour = colours[digest.severity]
  const page = markup`<!doctype html>
<html lang="${digest.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${digest.subject}</title>
<style>${{ html: dark }}</style>
</head>
<body class="page" style="margin:0;padding:0;background:#f1f3f5">
<div style="display:none;max-height:0;overflow:hidden">${digest.alarms[0]?.when ?? ''}</div>
<table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" border="0" style="background:#f1f3f5">
<tr><td align="center" style="padding:20px 10px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:640px;${font}">
<tr><td style="padding:0 2px 14px">
<div class="faint" style="font-size:13px;line-height:18px;color:#5c6670">${digest.platform}</div>
<div class="${colour.name}" style="font-size:20px;line-height:28px;font-weight:bold;color:${colour.ink}">${digest.headline}</div>
</td></tr>
${digest.alarms.map((alarm) => cardOf(alarm, digest.labels))}
<tr><td class="faint" style="padding:4px 2px;font-size:12px;line-height:18px;color:#5c6670">${digest.footer}</td></tr>
</table>
</td></tr>
</table>
</body>
</html>
`
  return page.html
}

const font =
  "font-family:-apple-system,'Segoe UI',Roboto,'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',Arial,sans-serif"

/** Ink to be read on white, paper behind it, a line beside it. */
const colours = {
  critical: { name: 'red', ink: '#b42318', paper: '#fdeceb', line: '#d92d20' },
  warning: { name: 'amber', ink: '#8a4b04', paper: '#fdf1dc', line: '#e08a0b' },
  ok: { name: 'green', ink: '#1a6b3c', paper: '#e3f5ea', line: '#2a9d5c' },
  gone: { name: 'grey', ink: '#4a545e', paper: '#e9ecef', line: '#98a2ad' },
} as const

const dark = `
:root { color-scheme: light dark; supported-color-schemes: light dark; }
@media (prefers-color-scheme: dark) {
.page { background: #14171a !important; }
.card { background: #1f2428 !important; color: #e6e9ec !important; border-top-color: #343b42 !important; border-right-color: #343b42 !important; border-bottom-color: #343b42 !important; }
.faint { color: #9aa5b0 !important; }
.red { color: #ff8b80 !important; } .chip.red { background: #4a1d1a !important; }
.amber { color: #f7bd62 !important; } .chip.amber { background: #45300f !important; }
.green { color: #6fd39b !important; } .chip.green { background: #173a27 !important; }
.grey { color: #b3bcc5 !important; } .chip.grey { background: #30373e !important; }
}
`

function cardOf(alarm: DigestAlarm, labels: DigestLabels): Markup {
  const colour = colours[colourOf(alarm)]
  const badge = alarm.isOver ? alarm.word : `${alarm.word} · ${alarm.severityWord}`
  const details = Object.entries(alarm.evidence).map(([name, value]) => `${name}=${value}`)
  return markup`<tr><td class="card" style="background:#ffffff;color:#1d2329;border:1px solid #dfe3e8;border-left:5px solid ${colour.line};border-radius:4px;padding:14px 18px">
<div style="font-size:13px;line-height:22px"><span class="chip ${colour.name}" style="background:${colour.paper};color:${colour.ink};border-radius:3px;padding:2px 7px;font-size:12px;font-weight:bold">${badge}</span>&ensp;<b>${alarm.entry}</b></div>
<div style="font-size:16px;line-height:23px;font-weight:bold;padding-top:6px">${linesOf(alarm.summary)}</div>
<div class="faint" style="font-size:13px;line-height:20px;color:#5c6670">${alarm.when}</div>
<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin-top:8px">
${alarm.tried.map((trial, index) => rowOf(index === 0 ? labels.tried : '', linesOf(trial)))}
${alarm.affected.length === 0 ? [] : rowOf(labels.affected, markup`${alarm.affected.join(', ')}`)}
${alarm.isOver || alarm.advice === '' ? [] : rowOf(labels.advice, markup`<b>${linesOf(alarm.advice)}</b>`)}
${alarm.offer === null ? [] : rowOf(labels.offer, linesOf(alarm.offer))}
${alarm.isOver || details.length === 0 ? [] : rowOf(labels.details, codeOf(details))}
${rowOf(labels.where, markup`${[alarm.where, ...alarm.tags].join(' · ')}`)}
</table>
</td></tr>
<tr><td style="height:12px;line-height:12px;font-size:0">&nbsp;</td></tr>
`
}

function colourOf({ kind, isOver, severity }: DigestAlarm): keyof typeof colours {
  if (kind === 'withdrawn') return 'gone'
  return isOver ? 'ok' : severity
}

function rowOf(label: string, value: Markup): Markup {
  return markup`<tr><td class="faint" width="90" valign="top" style="padding:3px 14px 3px 0;font-size:13px;line-height:20px;color:#5c6670">${label}</td><td valign="top" style="padding:3px 0;font-size:14px;line-height:20px;word-break:break-word">${value}</td></tr>
`
}

function codeOf(details: readonly string[]): Markup {
  return markup`<span style="font-family:Consolas,Menlo,monospace;font-size:12px">${details.join('  ')}</span>`
}
