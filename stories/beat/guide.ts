import type { Guide } from 'healthz'

export const guide: Guide = {
  example: `- story: beat
  with:
    url: redis://redis1:6379/1
    user: healthz
    password: \${BEAT_REDIS_PASSWORD}
    maxInterval: 5m
    beat:
      supervisor: http://host1:9001
      user: healthz
      password: \${SUPERVISOR_PASSWORD}
      program: beat

# Over sentinels: redbeat_redis_url is redis-sentinel, and redbeat_redis_options has sentinels, service_name, db, password
# and sentinel_kwargs. A cluster takes "mode: cluster", the "url" of a node, and others as "replicas".
- story: beat
  name: shop-beat
  with:
    mode: sentinel
    sentinels: [redis://sentinel1:26379, redis://sentinel2:26379]
    sentinelPassword: \${SENTINEL_PASSWORD}
    master: mymaster
    database: 1
    user: healthz
    password: \${BEAT_REDIS_PASSWORD}

# The default scheduler, on the host where it runs
- story: beat
  name: plain-beat
  scope: node
  role: scheduler
  with:
    file: /var/lib/celery/celerybeat-schedule

# django-celery-beat keeps its schedule in a database, so the story mysql asks: tasks with an interval that are late by
# three of them and a minute. One with a crontab has no single period; give it a query of its own.
- story: mysql
  name: django-beat
  with:
    url: mysql://db1:3306
    user: healthz
    password: \${MYSQL_PASSWORD}
    database: shop
    queries:
      - name: late tasks
        sql: >-
          select count(*) from django_celery_beat_periodictask t
          join django_celery_beat_intervalschedule i on i.id = t.interval_id
          where t.enabled = 1 and t.last_run_at < utc_timestamp() - interval (60 + 3 * i.every * case i.period
          when 'days' then 86400 when 'hours' then 3600 when 'minutes' then 60 when 'seconds' then 1 else 0 end) second
        warn: '> 0'
        advice: start beat if it is down; if it runs, see in its log whether it reaches its broker and its database
`,
  rights: `# +zrem and +hexists are for the cure of the step ghost alone
ACL SETUSER healthz on >PASSWORD resetkeys resetchannels -@all +ping +select +info +time +zcard +zrangebyscore +hmget +pttl +get +hexists +zrem ~redbeat:*
# mode: sentinel, on each sentinel
ACL SETUSER healthz on >PASSWORD resetchannels -@all +ping +sentinel|get-master-addr-by-name +sentinel|master
# mode: cluster, on each node
ACL SETUSER healthz +cluster|nodes

# django-celery-beat
GRANT SELECT ON shop.django_celery_beat_periodictask TO healthz@'%';
GRANT SELECT ON shop.django_celery_beat_intervalschedule TO healthz@'%';
`,
}
