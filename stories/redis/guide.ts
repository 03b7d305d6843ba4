import type { Guide } from 'healthz'

export const guide: Guide = {
  example: `- story: redis
  name: redis-jobs
  every: 1m
  with:
    url: redis://redis-1:6379
    user: healthz
    password: \${file:/run/secrets/redis}
    use: broker
    replicas: [redis://redis-2:6379]
    expectReplicas: 1
    keys:
      - { key: jobs, max: 1000, critical: 10000, consumer: the workers }
      - { key: failed, max: { times: 0.1, of: jobs, least: 20 } }
    fresh:
      - { key: cache:prices, timeout: 10m, maxAge: 3m, writer: the price job }
`,
  rights: `# on each server
ACL SETUSER healthz on >PASSWORD resetkeys -@all +ping +info +select +config|get +client|setname +client|list +slowlog|get
# mode: cluster, on each node
ACL SETUSER healthz +cluster|info +cluster|nodes
# for "keys" and "fresh", with the keys that they name
ACL SETUSER healthz ~jobs ~failed ~cache:prices +type +llen +scard +zcard +hlen +xlen +pttl +get +hget
# mode: sentinel, on each sentinel
ACL SETUSER healthz on >PASSWORD resetchannels -@all +ping +info +client|setname +sentinel|get-master-addr-by-name +sentinel|master +sentinel|replicas +sentinel|sentinels +sentinel|ckquorum
# for the cures that you allow
ACL SETUSER healthz +bgsave +memory|purge +client|kill +script|kill +function|kill +replicaof
`,
}
