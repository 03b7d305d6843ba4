import { defineStory, say } from 'healthz'
import { body } from './body.ts'
import { connect } from './connect.ts'
import { json } from './json.ts'
import { latency } from './latency.ts'
import { nginx } from './nginx.ts'
import { options } from './options.ts'
import { redirect } from './redirect.ts'
import { status } from './status.ts'
import { openSite } from './target.ts'
import { tlsExpiry } from './tls-expiry.ts'
import { tlsValid } from './tls-valid.ts'

/** A web page or an HTTP interface, as its users reach it: from one node, or with `scope: node` from every one. */
export default defineStory({
  title: say`HTTP`,
  scope: 'cluster',
  options,
  open: openSite,
  steps: {
    connect,
    status,
    latency,
    body,
    json,
    'tls-expiry': tlsExpiry,
    'tls-valid': tlsValid,
    redirect,
    nginx,
  },
  guide: {
    example: `- story: http
  name: grafana
  with:
    url: https://grafana.example.com
    preset: grafana
    resolveWith: unit:grafana-server
# The site as every node reaches it:
- story: http
  name: site
  scope: node
  with:
    url: https://www.example.com/health
    json: [{path: queue.length, warn: '> 100', crit: '> 1000'}]
# nginx, by a location with "stub_status;" and "allow" for the nodes only:
- story: http
  name: nginx
  with: {url: 'http://127.0.0.1/nginx_status', preset: nginx}`,
    rights: `# None to ask a page that is open to all; else a user and a password, or a header with a token.
# For the cures of resolveWith, on the host of the server:
#   unit:NAME        a rule of polkit that lets the watchman's user manage this unit
#   supervisor:NAME  write access to the socket of supervisord ([unix_http_server] chown=root:healthz, chmod=0770)`,
  },
})
