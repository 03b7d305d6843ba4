import { defineStory, say } from 'healthz'
import { exit } from './exit.ts'
import { perfdata } from './figures.ts'
import { json } from './json.ts'
import { options } from './options.ts'
import { openCommand } from './target.ts'

/**
 * A program of one's own, or any plugin of Nagios. It runs without a shell, with the rights of the watchman, and with
 * what `scope` of the entry says on one node or on each.
 */
export default defineStory({
  title: say`Command`,
  scope: 'cluster',
  options,
  open: openCommand,
  steps: { exit, json, perfdata },
  guide: {
    example: `- story: command
  name: users logged in
  scope: node
  with:
    command: [/usr/lib/nagios/plugins/check_users, -w, '20', -c, '50']
    perfdata:
      - { label: users, warn: '0:10' }
    resolve: { command: [/usr/local/sbin/log-users-out] }
`,
    rights: `The commands run with the rights of the watchman's user. Where one needs more, allow just this one:
healthz ALL=(root) NOPASSWD: /usr/lib/nagios/plugins/check_disk`,
  },
})
