'use strict';
/** Draws comparisons as SVG, once for light pages and once for dark ones. */

const echarts = require('echarts');

const { figure, tick } = require('./format');

/**
 * Ours are blue, in shades that differ in brightness. Peers are muted, and limits are dashed. So people who are
 * colour-blind can tell them apart.
 */
const COLOURS = {
  ours: ['#3b78bd', '#8ab8e4', '#5f99d3', '#b3d1ef'],
  peers: ['#8c959f', '#b59a6a', '#7f9f86', '#a58bab', '#bb8a80', '#c3c8ce'],
  limit: ['#768390', '#8c959f', '#a5adb5'],
};

/** What the values are, and which are better. */
const MEANING = {
  time: 'time (less is better)',
  rate: 'a second (more is better)',
  bytes: 'memory (less is better)',
  count: 'number (less is better)',
};
const THEMES = {
  light: { text: '#24292f', muted: '#6e7781', line: '#d0d7de', background: 'transparent' },
  dark: { text: '#e6edf3', muted: '#9198a1', line: '#3d444d', background: 'transparent' },
};

const WIDTH = 760;
const LEGEND = 240;
const FONT = 'system-ui, sans-serif';

const kindOf = ({ ours, kind }) => (ours ? 'ours' : kind === 'limit' ? 'limit' : 'peers');

/** Returns a colour for each name; `names` are [name, kind]. */
function colouring(names) {
  const used = { ours: 0, peers: 0, limit: 0 };
  return new Map(
    names.map(([name, kind]) => {
      const colours = COLOURS[kind];
      used[kind] += 1;
      return [name, colours[(used[kind] - 1) % colours.length]];
    }),
  );
}

/** Returns the contenders to draw: those with figures, and of several parts of each the one that `drawn` names. */
const measured = ({ contenders, drawn = '' }) =>
  contenders.filter(({ name, p50 }) => p50 !== undefined && name.includes(drawn));

function axis(theme, more) {
  return {
    nameLocation: 'middle',
    nameGap: 30,
    axisLine: { lineStyle: { color: theme.line } },
    axisTick: { show: false },
    axisLabel: { color: theme.muted },
    nameTextStyle: { color: theme.muted },
    splitLine: { lineStyle: { color: theme.line, opacity: 0.6 } },
    ...more,
  };
}

function legend(theme, more) {
  return { textStyle: { color: theme.text }, itemWidth: 18, itemHeight: 8, itemGap: 14, icon: 'roundRect', ...more };
}

/** Returns 1, 2 and 5 times the powers of ten between two values. */
function roundFigures(least, most) {
  const figures = [];
  for (let power = 10 ** Math.floor(Math.log10(least)); power <= most; power *= 10) {
    figures.push(...[power, 2 * power, 5 * power].filter((value) => value >= least && value <= most));
  }
  return figures;
}

/** Returns the range of whole powers of ten around values. */
function powers(values) {
  return {
    min: 10 ** Math.floor(Math.log10(Math.min(...values))),
    max: 10 ** Math.ceil(Math.log10(Math.max(...values))),
  };
}

/** Returns the points of a distribution: [value, percent]. */
function curve({ percentiles }) {
  const points = Object.entries(percentiles).map(([percent, value]) => [Math.max(value, 1), Number(percent)]);
  return points.toSorted((a, b) => a[1] - b[1]);
}

const lineOf = (one, colour) => ({
  width: one.ours ? 3 : 2,
  color: colour,
  type: one.kind === 'limit' ? 'dashed' : 'solid',
});

/** Draws the share of samples that took at most a given time: one curve for each contender. */
function distribution(comparison, theme) {
  const contenders = measured(comparison);
  const colours = colouring(contenders.map((one) => [one.name, kindOf(one)]));
  const least = Math.min(...contenders.map((one) => curve(one)[0][0])) * 0.9;
  // p99 in the table tells about outliers. The curves are about the rest.
  const most = Math.max(...contenders.map(({ p90 }) => p90)) * 1.6;
  const ticks = roundFigures(least, most);
  return {
    height: 290,
    grid: { left: 70, right: LEGEND + 20, top: 44, bottom: 52 },
    legend: legend(theme, { orient: 'vertical', left: WIDTH - LEGEND, top: 40 }),
    xAxis: axis(theme, {
      type: 'log',
      name: `${MEANING.time}, logarithmic`,
      nameGap: 26,
      min: least,
      max: most,
      axisLabel: { color: theme.muted, customValues: ticks, formatter: (value) => tick('time', value) },
      axisTick: { show: true, customValues: ticks, lineStyle: { color: theme.line } },
      splitLine: { show: false },
    }),
    yAxis: axis(theme, {
      type: 'value',
      name: 'share of the samples',
      nameGap: 48,
      min: 0,
      max: 100,
      interval: 25,
      axisLabel: { color: theme.muted, formatter: '{value} %' },
    }),
    series: contenders.map((one) => ({
      type: 'line',
      name: `${one.name}: ${figure(comparison.show, one.p50)}`,
      data: curve(one).filter(([value]) => value <= most),
      showSymbol: false,
      lineStyle: lineOf(one, colours.get(one.name)),
      itemStyle: { color: colours.get(one.name) },
    })),
  };
}

/** Returns the room for the names beside the bars. */
function widestOf(contenders) {
  return 24 + 6.7 * Math.max(...contenders.map(({ name }) => name.length));
}

function barOf(one, colour) {
  return one.kind === 'limit'
    ? { color: 'transparent', borderColor: colour, borderType: 'dashed', borderWidth: 1.5 }
    : { color: colour, borderRadius: [0, 3, 3, 0] };
}

/** Draws a bar for each contender: shorter is better for times, longer for rates. */
function bars(comparison, theme) {
  const contenders = measured(comparison).toReversed();
  const colours = colouring(contenders.toReversed().map((one) => [one.name, kindOf(one)]));
  const value = ({ p50 }) => (comparison.show === 'rate' ? 1e9 / p50 : p50);
  return {
    height: 92 + 34 * contenders.length,
    grid: { left: widestOf(contenders), right: 90, top: 44, bottom: 40 },
    xAxis: axis(theme, {
      type: 'value',
      name: MEANING[comparison.show],
      nameGap: 14,
      min: 0,
      axisLabel: { show: false },
      splitLine: { show: false },
      axisLine: { show: false },
    }),
    yAxis: axis(theme, {
      type: 'category',
      data: contenders.map(({ name }) => name),
      axisLabel: { color: theme.text, fontSize: 13 },
      splitLine: { show: false },
    }),
    series: [
      {
        type: 'bar',
        barWidth: 20,
        data: contenders.map((one) => ({
          value: value(one),
          itemStyle: barOf(one, colours.get(one.name)),
        })),
        label: {
          show: true,
          position: 'right',
          color: theme.text,
          formatter: ({ dataIndex }) => figure(comparison.show, contenders[dataIndex].p50),
        },
      },
    ],
  };
}

/** Draws a curve for each way, over the number of workers or members. Both axes are logarithmic. */
function scaling(comparison, theme) {
  const contenders = measured(comparison);
  const ways = Map.groupBy?.(contenders, wayOf) ?? groupBy(contenders, wayOf);
  const colours = colouring([...ways].map(([way, [one]]) => [way, kindOf(one)]));
  const value = ({ p50 }) => (comparison.show === 'rate' ? 1e9 / p50 : p50);
  const shown = (number) => tick(comparison.show, comparison.show === 'rate' ? 1e9 / number : number);
  return {
    height: 320,
    grid: { left: 92, right: LEGEND + 20, top: 44, bottom: 52 },
    legend: legend(theme, { orient: 'vertical', left: WIDTH - LEGEND, top: 40 }),
    xAxis: axis(theme, {
      type: 'log',
      name: `${comparison.axis}, logarithmic`,
      logBase: comparison.axis === 'workers' ? 2 : 10,
      min: Math.min(...contenders.map(({ x }) => x)),
      max: Math.max(...contenders.map(({ x }) => x)),
    }),
    yAxis: axis(theme, {
      type: 'log',
      name: `${MEANING[comparison.show]}, logarithmic`,
      nameGap: 70,
      ...powers(contenders.map(value)),
      axisLabel: { color: theme.muted, formatter: shown },
    }),
    series: [...ways].map(([way, points]) => ({
      type: 'line',
      name: way,
      data: points.map((one) => [one.x, value(one)]),
      symbol: 'circle',
      symbolSize: 7,
      lineStyle: lineOf(points[0], colours.get(way)),
      itemStyle: { color: colours.get(way) },
    })),
  };
}

/** Returns the way of a contender: `run(), 20 members` is a point of `run()`. */
function wayOf({ name }) {
  return name.slice(0, name.lastIndexOf(','));
}

/** Replaces Map.groupBy(), which Node 20 does not have. */
function groupBy(things, keyOf) {
  const groups = new Map();
  for (const thing of things) {
    groups.set(keyOf(thing), [...(groups.get(keyOf(thing)) ?? []), thing]);
  }
  return groups;
}

const KINDS = { distribution, bars, scaling };

/** Returns the SVG of a comparison; undefined if it is not drawn, or nothing was measured. */
function draw(comparison, themeName, subtitle) {
  if (comparison.chart === 'none' || measured(comparison).length === 0) {
    return undefined;
  }
  const theme = THEMES[themeName];
  const { height, ...option } = KINDS[comparison.chart](comparison, theme);
  const footer = subtitle === undefined ? 0 : 22;
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: height + footer });
  chart.setOption({
    animation: false,
    backgroundColor: theme.background,
    textStyle: { fontFamily: FONT },
    title: [
      {
        text: `${comparison.title}, ${comparison.pin}`,
        left: 8,
        top: 6,
        textStyle: { color: theme.text, fontSize: 15, fontWeight: 600 },
      },
      ...(subtitle === undefined
        ? []
        : [{ text: subtitle, left: 8, bottom: 2, textStyle: { color: theme.muted, fontSize: 10, fontWeight: 400 } }]),
    ],
    ...option,
    grid: { ...option.grid, bottom: option.grid.bottom + footer },
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

module.exports = { draw };
