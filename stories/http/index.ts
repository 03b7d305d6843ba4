import { defineStory, say } from 'healthz'
import { body } from './body.ts'
import { json } from './json.ts'
import { latency } from './latency.ts'
import { options } from './options.ts'
import { redirect } from './redirect.ts'
import { status } from './status.ts'
import { openSite } from './target.ts'
import { tlsExpiry } from './tls-expiry.ts'
import { tlsValid } from './tls-valid.ts'

/**
 * A web page or an HTTP interface, as its users reach it. Told from one node: there is no view from all of them yet.
 * It has no cures: what restarts a web server (supervisord, systemd) belongs to other stories.
 */
export default defineStory({
  title: say`HTTP`,
  scope: 'cluster',
  options,
  open: openSite,
  steps: {
    status,
    latency,
    body,
    json,
    'tls-expiry': tlsExpiry,
    'tls-valid': tlsValid,
    redirect,
  },
})
