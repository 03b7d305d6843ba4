import { defineStory, say } from 'healthz'
import { autopilot } from './autopilot.ts'
import { checks } from './checks.ts'
import { leader } from './leader.ts'
import { members } from './members.ts'
import { options } from './options.ts'
import { registration } from './registration.ts'
import { service } from './service.ts'
import { openAgent } from './target.ts'

/** A Consul cluster, seen through the HTTP API of one agent. */
export default defineStory({
  title: say`Consul`,
  scope: 'cluster',
  options,
  open: openAgent,
  steps: { leader, autopilot, service, checks, registration, members },
  guide: {
    example: `- story: consul
  name: consul
  with:
    url: http://127.0.0.1:8500
    token: "\${CONSUL_TOKEN}"
    expectServers: 3
    services: [web, { name: api, min: 2 }]
`,
    rights: `# The rules of a policy for the token: consul acl policy create -name healthz -rules @healthz.hcl
operator = "read"
node_prefix "" { policy = "read" }
service_prefix "" { policy = "read" }
# For the cure of the step registration:
service "NAME" { policy = "write" }
`,
  },
})
