import type { Guide } from 'healthz'

export const guide: Guide = {
  example: `- story: celery
  with:
    broker: redis://redis1:6379/0
    user: healthz
    password: \${CELERY_BROKER_PASSWORD}
    queues: [celery, mail]
    expectWorkers: [w1@host1, w2@host2]
    programs:
      - supervisor: http://host1:9001
        user: healthz
        password: \${SUPERVISOR_PASSWORD}
        program: celery:*
        workers: ['*@host1']

# Over sentinels. The workers have the broker sentinel://:PASSWORD@sentinel1:26379/0;sentinel://:PASSWORD@sentinel2:26379/0
# and the transport options master_name and sentinel_kwargs, which holds the password of the sentinels
- story: celery
  name: celery-shop
  with:
    mode: sentinel
    sentinels: [redis://sentinel1:26379, redis://sentinel2:26379]
    sentinelPassword: \${SENTINEL_PASSWORD}
    master: mymaster
    database: 0
    user: healthz
    password: \${CELERY_BROKER_PASSWORD}
`,
  rights: `# Redis: each queue of the option "queues" as a key, and the database in the name of the channel
ACL SETUSER healthz on >PASSWORD resetkeys resetchannels -@all +ping +select +llen +hlen +zrange +time +scard +sadd +srem +publish +rpop +del ~celery ~celery?* ~mail ~mail?* ~unacked ~unacked_index ~_kombu.binding.reply.celery.pidbox ~*.reply.celery.pidbox &/0.celery.pidbox

# mode: sentinel, on each Redis as well: the name of the channel that kombu before 5.4 has there
ACL SETUSER healthz &/{db}.celery.pidbox
# mode: sentinel, on each sentinel
ACL SETUSER healthz on >PASSWORD resetchannels -@all +ping +sentinel|get-master-addr-by-name +sentinel|master

# RabbitMQ
rabbitmqctl set_permissions -p VHOST healthz '^(.+\\.)?reply\\.celery\\.pidbox$' '^(celery\\.pidbox|.+\\.reply\\.celery\\.pidbox)$' '^(.+\\.)?reply\\.celery\\.pidbox$'
`,
}
