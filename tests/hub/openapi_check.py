#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds a running sluice-hub against the OpenAPI document that it serves.

usage: openapi_check.py URL

Each route of the program must be documented, and nothing else. Each documented parameter, status
and body that a request can bring about on a healthy hub is brought about, and each answer must be
one that the document allows. Prints what differs; exit code 1 if anything does.
"""
import json
import re
import sys
import urllib.error
import urllib.request

import jsonschema

base = sys.argv[1]
problems = []
seen = set()


def ask(method, target, headers=None, body=None):
    request = urllib.request.Request(base + target, method=method, headers=headers or {},
                                     data=None if body is None else json.dumps(body).encode())
    if body is not None:
        request.add_header('Content-Type', 'application/json')
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            streams = answer.headers.get_content_type() == 'text/event-stream'
            return answer.status, answer.headers, answer.readline() if streams else answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


document = json.loads(ask('GET', '/v1/openapi.json')[2])


def resolve(node):
    while '$ref' in node:
        target = document
        for part in node['$ref'][2:].split('/'):
            target = target[part]
        node = target
    return node


def validator(schema):
    # The whole document goes along, so that its own references are found.
    return jsonschema.Draft202012Validator({'components': document['components'], **schema})


def check(path, target, method='GET', headers=None, body=None, expect=200, name=None):
    """Asks, and holds the answer against what the document says of `path`."""
    operation = document['paths'][path][method.lower()]
    status, answer_headers, answer = ask(method, target, headers, body)
    where = f'{method} {target}: {status}'
    seen.add((path, method, str(status)))
    if status != expect:
        problems.append(f'{where}, expected {expect}: {answer[:200]!r}')
        return None
    response = operation['responses'].get(str(status))
    if response is None:
        problems.append(f'{where}: not documented')
        return None
    response = resolve(response)
    for header in response.get('headers', {}):
        if header not in answer_headers and header not in ('Sluice-After', 'Sluice-As-Of'):
            problems.append(f'{where}: no header {header}')
    content = response.get('content')
    if content is None:
        if answer:
            problems.append(f'{where}: a body, where none is documented')
        return None
    kind = answer_headers.get_content_type()
    if kind not in content:
        problems.append(f'{where}: {kind} is not documented')
        return None
    if kind != 'application/json':
        return answer
    value = json.loads(answer)
    for error in validator(content[kind]['schema']).iter_errors(value):
        problems.append(f'{where}: {"/".join(map(str, error.absolute_path))}: {error.message}')
    return value


routes = set(document['x-routes'])
static = {path: item for path, item in document['paths'].items()
          if not re.match(r'/v1/models/[^{}/]+/[^{}/]+$', path) or path.startswith('/v1/models/{')
          or f'GET {path}' in routes or f'POST {path}' in routes}
documented = {f'{method.upper()} {path}' for path, item in static.items() for method in item}
for route in sorted(routes - documented):
    problems.append(f'{route} is not in hub/api/openapi.json')
for route in sorted(documented - routes):
    problems.append(f'{route} is in hub/api/openapi.json, and the program has no such route')

for path, item in document['paths'].items():
    for method, operation in item.items():
        named = [(resolve(p)['in'], resolve(p)['name']) for p in operation.get('parameters', [])]
        for parameter in sorted({p for p in named if named.count(p) > 1}):
            problems.append(f'{method} {path}: parameter {parameter} is there twice')
        # A page of another site that reaches this address under a name of its own.
        status, headers, _ = ask(method.upper(), re.sub(r'[{}]', '', path), {'Host': 'evil.example'})
        if status != 403 or '403' not in operation['responses']:
            problems.append(f'{method} {path}: {status} for a foreign Host, or not documented')
        if 'WWW-Authenticate' in headers:
            problems.append(f'{method} {path}: asks for a token, which would not help')

rows = '/v1/models/{model}/{table}'
events = '/v1/models/pumps/events'
check('/v1/openapi.json', '/v1/openapi.json')
models = check('/v1/models', '/v1/models')
check('/v1/models/{model}', '/v1/models/pumps')
check('/v1/models/{model}', '/v1/models/none', expect=404)
page = check(rows, events + '?limit=2&order=-value&fields=seq,value&count=true&where=seq%3E1'
             '&deadline=5s')
own = {resolve(p)['name'] for p in document['paths'][rows]['get']['parameters']}
for path in document['paths']:  # the tables' own, each column as a parameter
    if re.match(r'/v1/models/(pumps|beside)/[^{}/]+$', path):
        first = check(path, path + '?limit=1')
        if not first['rows']:
            problems.append(f'{path}: no row to look at')
            continue
        operation = document['paths'][path]['get']
        known = {p['name'] for p in operation['parameters'] if 'name' in p}
        for column, value in first['rows'][0].items():
            if isinstance(value, list):
                value = json.dumps(value, separators=(',', ':'))
            query = f'{column}={value}'
            if column in own:
                query = f'where={query}'
                if f'where={column}=' not in operation.get('description', ''):
                    problems.append(f'{path}: not said how column {column} is filtered')
            elif column not in known:
                problems.append(f'{path}: column {column} is no parameter')
            if value is not None:
                again = check(path, f'{path}?limit=1&{query}')
                if not again['rows']:
                    problems.append(f'{path}?{query}: no row')
more = check(rows, events + '?limit=2&page=' + json.loads(
    ask('GET', events + '?limit=2')[2])['next'])
tag = ask('GET', events)[1]['ETag']
check(rows, events, headers={'If-None-Match': tag}, expect=304)
epoch = json.loads(ask('GET', '/v1/models/pumps')[2])['lanes'][0]['epoch']
check(rows, f'{events}?after=plant-7:{epoch}:telemetry:2')
check(rows, f'{events}?after=plant-7:{epoch}:telemetry:999999&wait=50ms', expect=504)
check(rows, events + '?after=nonsense', expect=400)
check(rows, '/v1/models/none/events', expect=404)
check(rows, '/v1/models/pumps/none', expect=404)
follow = rows + '/follow'
check(follow, events + '/follow?limit=5&fields=value&since=none&where=seq%3E1')
check(follow, events + '/follow', headers={'Last-Event-ID': 'none.1'})
check(follow, events + '/follow?order=seq', expect=400)
check(follow, '/v1/models/pumps/none/follow', expect=404)
check('/v1/gateways', '/v1/gateways')
check('/v1/gateways/{gateway}', '/v1/gateways/plant-7')
check('/v1/gateways/{gateway}', '/v1/gateways/none', expect=404)
check('/v1/tail', '/v1/tail?gateway=plant-7&category=pump&type=T&text=x')
check('/v1/tail', '/v1/tail?nonsense=1', expect=400)
trail = '/v1/events/{event}'
check(trail, f'/v1/events/plant-7:{epoch}:telemetry:2')
check(trail, '/v1/events/01890a5d-ac96-774b-bcce-b302099a8057?from=main:1')
check(trail, '/v1/events/nonsense', expect=400)
check('/v1/holds', '/v1/holds')
skip = {'gateway': 'plant-7', 'epoch': epoch, 'lane': 'telemetry', 'to': 14, 'reason': 'a test'}
check('/v1/holds/skip', '/v1/holds/skip', 'POST', body={**skip, 'to': 'x'}, expect=400)
check('/v1/holds/skip', '/v1/holds/skip', 'POST', body={**skip, 'lane': 'alarm'}, expect=404)
check('/v1/holds/skip', '/v1/holds/skip', 'POST', headers={'Origin': 'http://other.example'},
      body=skip, expect=403)
check('/v1/holds/skip', '/v1/holds/skip', 'POST', body=skip)
check('/v1/parked', '/v1/parked?model=pumps')
check('/v1/parked', '/v1/parked?model=none', expect=404)
check('/v1/parked', '/v1/parked?gateway=plant-7', expect=400)
for path in ('/v1/models', '/v1/gateways', '/v1/holds'):
    check(path, path + '?gateway=plant-7', expect=400)
poison = f'plant-7.{epoch}.alarm.2'
shown = '/v1/parked/{model}/{event}'
check(shown, f'/v1/parked/pumps/{poison}')
check(shown, f'/v1/parked/pumps/plant-7.{epoch}.alarm.9', expect=404)
for verb in ('retry', 'skip'):
    target = f'/v1/parked/{verb}'
    asked_for = {'model': 'pumps', 'event': poison, **({'reason': 'x'} if verb == 'skip' else {})}
    check(target, target, 'POST', body={}, expect=400)
    check(target, target, 'POST', body={**asked_for, 'model': 'none'}, expect=404)
    check(target, target, 'POST', headers={'Origin': 'http://other.example'}, body=asked_for,
          expect=403)
    check(target, target, 'POST', body=asked_for)
verified = '/v1/verify/{model}'
check(verified, '/v1/verify/pumps', 'POST', body={'sample': 0}, expect=400)
check(verified, '/v1/verify/none', 'POST', body={}, expect=404)
check(verified, '/v1/verify/pumps', 'POST', body={'sample': 100}, expect=202)
check(verified, '/v1/verify/pumps')
check(verified, '/v1/verify/none', expect=404)
check('/v1/verify', '/v1/verify')
check('/v1/definitions/{model}', '/v1/definitions/pumps')
check('/v1/definitions/{model}', '/v1/definitions/none', expect=404)
check('/v1/definitions/{model}/decisions', '/v1/definitions/pumps/decisions')
check('/v1/workers', '/v1/workers')
check('/v1/reactors', '/v1/reactors')
letters = '/v1/reactors/{reactor}/'
check(letters + 'dead', '/v1/reactors/none/dead', expect=404)
for deed in ('retry', 'drop'):
    check(letters + deed, f'/v1/reactors/none/{deed}', 'POST', body={'all': True}, expect=404)
for path in ('/metrics', '/readyz', '/healthz'):
    check(path, path)

why = {'reason': 'a test'}
versions = '/v1/models/{model}/'
check('/v1/models/reload', '/v1/models/reload', 'POST', body={})
check('/v1/models/reload', '/v1/models/reload', 'POST', body={'model': 'pumps'}, expect=400)
for verb in ('rebuild', 'rollback'):
    target = f'/v1/models/pumps/{verb}'
    check(versions + verb, target, 'POST', body={}, expect=400)
    check(versions + verb, f'/v1/models/none/{verb}', 'POST', body=why, expect=404)
    check(versions + verb, target, 'POST', headers={'Origin': 'http://other.example'}, body=why,
          expect=403)
check(versions + 'rebuild', '/v1/models/pumps/rebuild', 'POST', body=why)
check(versions + 'rollback', '/v1/models/pumps/rollback', 'POST', body=why, expect=404)
# The hole that was given up above is a hole for what is rebuilt, too: it waits, and nothing is kept
# to roll back to. tests/hub/versions_test shows both to the end.
seen.add((versions + 'rollback', 'POST', '200 elsewhere'))

# They need a dead letter: tests/reactor/reactor_test.cpp has one.
elsewhere = {letters + deed for deed in ('dead', 'retry', 'drop')}
asked = {(path, method) for path, method, status in seen if status.startswith('2')}
for path, item in static.items():
    for method in item:
        if (path, method.upper()) not in asked and path not in elsewhere:
            problems.append(f'{method.upper()} {path}: no request of this check succeeds there')
for problem in problems:
    print(problem)
print(f'{len(seen)} kinds of answers, {len(problems)} problems')
sys.exit(1 if problems else 0)
