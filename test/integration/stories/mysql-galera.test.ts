import { existsSync } from 'node:fs'
import { createConnection } from 'mysql2/promise'
import { expect, test } from 'vitest'
import mysql from '../../../stories/mysql/index.ts'
import { describeWith } from '../../support/needs.ts'
import { startMariadb } from '../../support/servers/mariadb.ts'
import { onFreePorts } from '../../support/servers/ports.ts'
import { until } from '../../support/servers/until.ts'
import { teller } from '../../support/teller.ts'

const provider = '/usr/lib/galera/libgalera_smm.so'

/** Comes with Debian's mariadb-server; MariaDB runs without it. */
const galera = { name: 'galera', isThere: existsSync(provider), wanted: 'apt-get install galera-4' }

const startNode = () =>
  onFreePorts(2, (port, transfers) =>
    startMariadb({
      args: [
        ...['--wsrep-on=ON', `--wsrep-provider=${provider}`, '--wsrep-cluster-address=gcomm://'],
        ...['--wsrep-new-cluster', '--wsrep-node-address=127.0.0.1', '--binlog-format=ROW'],
        `--wsrep-provider-options=gmcast.listen_addr=tcp://127.0.0.1:${port};ist.recv_addr=127.0.0.1:${transfers};gcache.size=1M`,
        '--innodb-autoinc-lock-mode=2',
      ],
    }),
  )

describeWith(['mariadb', galera], 'a Galera node', () => {
  test('is well, misses a node, serves as a donor, and is cut off', async () => {
    await using node = await startNode()
    const telling = (expectNodes: number) => teller(mysql, { url: node.url, expectNodes })
    expect((await telling(1).tell('galera')).step('galera').outcome).toBe('ok')

    const smaller = await telling(3).tell('galera')
    expect(smaller.step('galera').findings).toMatchObject([{ key: 'size', severity: 'warning' }])
    expect(smaller.summaries('galera')).toEqual(['the cluster has 1 of 3 nodes'])

    await node.query('set global wsrep_desync = on')
    expect((await telling(1).tell('galera')).step('galera').outcome).toBe('ok')
    await node.query('set global wsrep_desync = off')

    const root = await createConnection({ socketPath: node.socket, user: 'root' })
    const searching = root.query("set global wsrep_cluster_address = 'gcomm://127.0.0.1:9'")
    searching.catch(() => {})
    const cutOff = await until('it is cut off', async () => {
      const told = await telling(1).tell('connect', 'galera')
      return told.step('galera').outcome === 'problem' && told.step('connect').outcome === 'ok' && told
    })
    root.destroy()
    expect(cutOff.step('galera').findings).toMatchObject([{ key: '', severity: 'critical' }])
    expect(cutOff.summaries('galera')[0]).toContain('cut off from the majority of its cluster')
  })
})
