import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { describeWith } from '../support/needs.ts'
import { makePlace } from '../support/program.ts'
import { freePort } from '../support/servers/ports.ts'
import { findProgram } from '../support/servers/programs.ts'
import { until } from '../support/servers/until.ts'

describeWith(['redis'], 'a server that does not listen', () => {
  test('is started by the configured command once it is allowed, and outlives the run', async () => {
    const port = await freePort()
    await using place = await makePlace({
      'healthz.yaml': `
http: off
store: memory
stories:
  - story: redis
    name: cache
    confirmAfter: 100ms
    with: { url: "redis://127.0.0.1:${port}" }
    steps: { connect: { grace: 0s } }
    start: [${findProgram('redis-server')}, --port, "${port}", --bind, 127.0.0.1, --save, "", --dir, DIR, --pidfile, DIR/pid]
    resolve: { allow: [] }
`,
    })
    const config = await place.read('healthz.yaml')
    await place.write('healthz.yaml', config.replaceAll('DIR', place.dir))
    const asked = await place.run('--once')
    expect(asked).toMatchObject({ code: 1, stderr: '' })
    expect(asked.stdout).toContain('run the configured start command')

    await place.write(
      'healthz.yaml',
      (await place.read('healthz.yaml')).replace('allow: []', 'allow: [connect]'),
    )
    const healed = await place.run('--once')
    try {
      expect(healed.stdout).toContain('HEALED  cache/connect')
      expect(healed.stdout).toContain(`nothing listens on 127.0.0.1:${port}`)
      expect((await place.run('--once')).code).toBe(0)
    } finally {
      const pid = await until('the server says its pid', () => readFile(join(place.dir, 'pid'), 'utf8'))
      process.kill(Number(pid))
    }
  })
})
