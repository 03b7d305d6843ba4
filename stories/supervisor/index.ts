import { defineStory, say } from 'healthz'
import { backoff } from './backoff.ts'
import { drift } from './drift.ts'
import { exited } from './exited.ts'
import { fatal } from './fatal.ts'
import { flapping } from './flapping.ts'
import { missing } from './missing.ts'
import { resources } from './resources.ts'
import { stopped } from './stopped.ts'
import { stuck } from './stuck.ts'
import { openSupervisor, options } from './target.ts'

/** Supervisord and the programs that it keeps running. */
export default defineStory({
  title: say`Supervisor`,
  scope: 'node',
  options,
  open: ({ options, signal }) => openSupervisor(options, signal),
  steps: { fatal, exited, backoff, flapping, stopped, stuck, missing, drift, resources },
  guide: {
    example: `- story: supervisor
  with:
    url: unix:///var/run/supervisor.sock
    expect: [web, 'workers:*']
    expectRunning: [web]
    oneshot: [migrate]`,
    rights: `# Who may write to the socket may do everything with the programs. In supervisord.conf:
[unix_http_server]
file=/var/run/supervisor.sock
chown=root:healthz
chmod=0770
# or, with a password, which "user" and "password" of the entry give:
username=healthz
password=...
# The step "resources" reads /proc/PID/fd: as root, or as the user of the programs.`,
  },
})
