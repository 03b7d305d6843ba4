import { defineStory, say } from 'healthz'
import { dns } from './dns.ts'
import { options } from './options.ts'
import { ping } from './ping.ts'
import { portClosed } from './port-closed.ts'
import { tcp } from './tcp.ts'

/** The network between this node and others: ports, names and pings. It has no cures: what is wrong is elsewhere. */
export default defineStory({
  title: say`Network`,
  scope: 'cluster',
  options,
  steps: { tcp, dns, ping, 'port-closed': portClosed },
  guide: {
    example: `- story: net
  name: network
  with:
    tcp:
      - db:3306
      - { at: "mail:25", says: "220 " }
      - { at: "shop.example.com:443", tls: true }
    dns:
      - { name: db.example.com, expect: [10.0.0.7], resolvers: [10.0.0.2, 10.0.0.3] }
    ping: [db, 10.0.0.1]
`,
    rights: `# The step ping needs the program ping (Debian: iputils-ping) and one of:
setcap cap_net_raw+ep /usr/bin/ping
sysctl -w net.ipv4.ping_group_range="0 2147483647"
`,
  },
})
