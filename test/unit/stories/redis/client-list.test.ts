import { expect, test } from 'vitest'
import { largestCrowd, parseClients } from '../../../../stories/redis/client-list.ts'

const rest =
  'sub=0 psub=0 ssub=0 multi=-1 qbuf=26 qbuf-free=20448 argv-mem=10 tot-mem=37658 events=r user=default redir=-1 resp=2'
const reply = [
  `id=7 addr=10.0.0.1:60022 laddr=127.0.0.1:17001 fd=8 name=worker age=4000 idle=3700 flags=N db=0 cmd=get ${rest}`,
  `id=8 addr=10.0.0.1:60024 laddr=127.0.0.1:17001 fd=9 name=worker age=4000 idle=2 flags=N db=0 cmd=client|list ${rest}`,
  `id=9 addr=[fe80::1]:60026 laddr=[::1]:17001 fd=9 name= age=4000 idle=9 flags=N db=0 cmd=NULL ${rest}`,
  `id=10 addr=10.0.0.9:60026 laddr=127.0.0.1:17001 fd=9 name= age=4000 idle=9 flags=S db=0 cmd=replconf ${rest}`,
  `id=11 addr=10.0.0.9:60028 laddr=127.0.0.1:17001 fd=9 name=worker age=4000 idle=9000 flags=b db=0 cmd=brpop ${rest}`,
  '',
].join('\n')

test('ordinary clients are kept, without replicas and those that wait in a command', () => {
  expect(parseClients(reply)).toEqual([
    { id: 7, host: '10.0.0.1', name: 'worker', idle: 3_700_000 },
    { id: 8, host: '10.0.0.1', name: 'worker', idle: 2000 },
    { id: 9, host: '[fe80::1]', name: '', idle: 9000 },
  ])
})

test('the host and name with the most connections is the largest crowd', () => {
  expect(largestCrowd(parseClients(reply), 3_600_000)).toEqual({
    host: '10.0.0.1',
    name: 'worker',
    connections: 2,
    idle: 1,
  })
  expect(largestCrowd([], 0)).toBeNull()
})
