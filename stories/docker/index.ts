import { defineStory, say } from 'healthz'
import { exited } from './exited.ts'
import { health } from './health.ts'
import { oom } from './oom.ts'
import { options } from './options.ts'
import { restarts } from './restarts.ts'
import { running } from './running.ts'
import { stopped } from './stopped.ts'
import { stuck } from './stuck.ts'
import { openEngine } from './target.ts'

/** A container engine (Docker, or Podman by Docker's interface) and its containers. */
export default defineStory({
  title: say`Docker`,
  scope: 'node',
  options,
  open: openEngine,
  steps: { running, exited, health, restarts, oom, stopped, stuck },
  guide: {
    example: `- story: docker
  with:
    expect: [web, worker]`,
    rights: `# Who may open the socket is root on this host. Either take that:
usermod -aG docker healthz
# or let a proxy stand before it, such as tecnativa/docker-socket-proxy, and name it in "url":
#   VERSION=1 CONTAINERS=1 EVENTS=1   GET /version, /containers and /events: all that the steps ask
#   POST=1 ALLOW_START=1 ALLOW_RESTARTS=1   only for the cures
#   with: {url: 'http://127.0.0.1:2375'}`,
  },
})
