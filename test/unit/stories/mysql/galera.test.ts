import { expect, test } from 'vitest'
import { render } from '../../../../src/core/text.ts'
import { judgeNode } from '../../../../stories/mysql/galera.ts'

/** Recorded of MariaDB 10.11 with Galera 26.4. */
const synced = {
  wsrep_ready: 'ON',
  wsrep_cluster_status: 'Primary',
  wsrep_local_state: '4',
  wsrep_local_state_comment: 'Synced',
  wsrep_local_recv_queue: '0',
  wsrep_cluster_size: '3',
}
const donor = { ...synced, wsrep_local_state: '2', wsrep_local_state_comment: 'Donor/Desynced' }
const joining = { ...synced, wsrep_local_state: '1', wsrep_local_state_comment: 'Joining' }
const cutOff = {
  ...{ wsrep_ready: 'OFF', wsrep_cluster_status: 'Disconnected', wsrep_local_state: '0' },
  ...{ wsrep_local_state_comment: 'Initialized', wsrep_local_recv_queue: '0', wsrep_cluster_size: '0' },
}

const found = (status: Record<string, string>, nodes = 3) =>
  judgeNode(status, nodes, 100).map(({ key = '', severity, summary }) => [key, severity, render(summary)])

test('a synced node of a whole cluster is well, and so is a donor that keeps up', () => {
  expect(found(synced)).toEqual([])
  expect(found(donor)).toEqual([])
})

test('a donor that falls behind, a joining node and a missing one are warnings', () => {
  expect(found({ ...donor, wsrep_local_recv_queue: '101' })).toEqual([
    [
      'state',
      'warning',
      'the node is not in step with its cluster (state Donor/Desynced, 101 changes wait to be applied)',
    ],
  ])
  expect(found(joining)).toMatchObject([['state', 'warning', expect.stringContaining('Joining')]])
  expect(found(synced, 5)).toEqual([['size', 'warning', 'the cluster has 3 of 5 nodes']])
})

test('a node that refuses queries is one critical problem', () => {
  expect(found(cutOff)).toMatchObject([['', 'critical', expect.stringContaining('(status Disconnected)')]])
  expect(found({ ...cutOff, wsrep_cluster_status: 'non-Primary' })).toMatchObject([
    ['', 'critical', expect.anything()],
  ])
  expect(found({ ...joining, wsrep_ready: 'OFF' })).toMatchObject([
    ['', 'critical', 'the node refuses queries: it is not ready (state Joining)'],
  ])
})
