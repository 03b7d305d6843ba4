import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Certificate } from './certificates.ts'
import { canConnect, freePorts, onFreePorts } from './ports.ts'
import { type ServerProcess, startServer } from './process.ts'
import { makeTempDir } from './temp-dir.ts'

/** Starts an nginx with one plain server and one TLS server for each certificate. */
export function startNginx(options: NginxOptions = {}): Promise<Nginx> {
  return onFreePorts(1, (port) => startOn(port, options))
}

export interface NginxOptions {
  /** What stands in the plain `server` block; answers 200 `ok` everywhere if left out. */
  readonly server?: string
  /** More of the `http` block, such as an upstream. */
  readonly http?: string
  readonly tls?: readonly NginxTls[]
}

export interface NginxTls extends Certificate {
  /** What stands in this `server` block; answers 200 `ok` everywhere if left out. */
  readonly server?: string
}

export interface Nginx extends ServerProcess {
  readonly port: number
  /** `http://127.0.0.1:port` of the plain server. */
  readonly url: string
  /** A port for each entry of `tls`, in the same order. */
  readonly tlsPorts: readonly number[]
  /** Its directory; `www` in it is the document root. */
  readonly dir: string
}

const OK = "location / { return 200 'ok'; }"

async function startOn(port: number, { server = OK, http = '', tls = [] }: NginxOptions): Promise<Nginx> {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await makeTempDir()).path
  const tlsPorts = await freePorts(tls.length)
  // With `deferred` a connection is taken together with its first bytes. One that is taken before them is given up
  // again where connections run short, and whether it is would be a matter of chance.
  const servers = [
    `server { listen 127.0.0.1:${port} deferred; root ${dir}/www; ${server} }`,
    ...tls.map((entry, index) => tlsServer(dir, tlsPorts[index] ?? 0, entry)),
  ]
  await mkdir(join(dir, 'www'))
  await mkdir(join(dir, 'temp'))
  await writeFile(join(dir, 'nginx.conf'), configuration(dir, [http, ...servers].join('\n')))
  const nginx = stack.use(
    await startServer({
      name: 'nginx',
      command: 'nginx',
      args: ['-c', join(dir, 'nginx.conf'), '-p', dir, '-e', 'stderr'],
      dir,
      ready: () => canConnect(port),
    }),
  )
  const owned = stack.move()
  return {
    ...nginx,
    port,
    url: `http://127.0.0.1:${port}`,
    tlsPorts,
    dir,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function tlsServer(dir: string, port: number, { certFile, keyFile, server = OK }: NginxTls): string {
  const certificate = `ssl_certificate ${certFile}; ssl_certificate_key ${keyFile};`
  return `server { listen 127.0.0.1:${port} ssl; ${certificate} root ${dir}/www; ${server} }`
}

function configuration(dir: string, http: string): string {
  // A worker of a root nginx would otherwise become a user who cannot enter the directory.
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  return `
daemon off;
worker_processes 1;
pid ${dir}/nginx.pid;
error_log stderr info;
${user}
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path ${dir}/temp/body;
  proxy_temp_path ${dir}/temp/proxy;
  fastcgi_temp_path ${dir}/temp/fastcgi;
  uwsgi_temp_path ${dir}/temp/uwsgi;
  scgi_temp_path ${dir}/temp/scgi;
  ${http}
}
`
}
