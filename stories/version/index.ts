import { defineStory, say } from 'healthz'
import { minimum } from './minimum.ts'
import { options } from './options.ts'

/** Products that must be new enough, wherever each of them says its version. It has no cures: upgrades are for people. */
export default defineStory({
  title: say`Versions`,
  scope: 'cluster',
  options,
  steps: { minimum },
  guide: {
    example: `- story: version
  name: versions
  with:
    of:
      - { name: backend, minimum: "3.9.0", http: { url: "http://backend:8080/version", path: data.version } }
      - { name: agent, minimum: "2.1", command: [/usr/local/bin/agent, --version] }
      - { name: web, minimum: "4.2", file: /opt/web/VERSION }
`,
  },
})
