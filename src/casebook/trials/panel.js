/* The sums and the words of panel.py, for a reader who changes the numbers. */
(() => {
  "use strict";

  const TIE = 1e-9; // as in panel.py

  // -- the binomial distribution ----------------------------------------------------------------------------

  /* P(X = x) for n children and a rate p: the coefficient as a sum of logarithms, which neither overflows nor cancels. */
  function probability(x, n, p) {
    const few = Math.min(x, n - x);
    let log = x * Math.log(p) + (n - x) * Math.log1p(-p);
    for (let i = 1; i <= few; i++) log += Math.log((n - few + i) / i);
    return Math.exp(log);
  }

  /* P(X <= x): the smaller tail is summed from its largest term, each from the one before. */
  function atMost(x, n, p) {
    if (x < 0) return 0;
    if (x >= n) return 1;
    if (x > n * p) return 1 - atMost(n - x - 1, n, 1 - p);
    let term = probability(x, n, p);
    let sum = term;
    for (let k = x; k > 0 && term > sum * 1e-17; k--) {
      term *= (k / (n - k + 1)) * ((1 - p) / p);
      sum += term;
    }
    return sum;
  }

  /* Clopper and Pearson (1934): the rate at which so few events have probability alpha. */
  function upperLimit(x, n, alpha) {
    if (x === n) return 1;
    let low = x / n;
    let high = 1;
    for (let step = 0; step < 60; step++) {
      const middle = (low + high) / 2;
      if (atMost(x, n, middle) > alpha) low = middle;
      else high = middle;
    }
    return (low + high) / 2;
  }

  /* The fewest children at which x events have a probability below alpha, or null beyond `most`: it falls with each child. */
  function needed(x, rate, alpha, most) {
    const isBelow = (n) => atMost(x, n, rate) < alpha * (1 - TIE);
    if (!isBelow(most)) return null;
    let low = x; // every child had an event: no limit is below the rate
    let high = most;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (isBelow(middle)) high = middle;
      else low = middle;
    }
    return high;
  }

  // -- saying -----------------------------------------------------------------------------------------------

  const round = (number) => Math.floor(number + 0.5 + TIE);

  const grouped = (number) => number.toLocaleString("en-US");

  const count = (number, one, many) => `${grouped(number)} ${number === 1 ? one : many}`;

  function percent(fraction) {
    if (fraction === 0 || fraction === 1) return `${100 * fraction}%`;
    return `${(round(1000 * fraction) / 10).toFixed(1)}%`;
  }

  function threeDigits(p) {
    for (const decimals of [6, 5, 4, 3]) {
      const digits = round(p * 10 ** decimals);
      if (digits < 1000) return digits >= 100 ? (digits / 10 ** decimals).toFixed(decimals) : "< 0.0001";
    }
    return "> 0.999";
  }

  function sentence(x, n, rate, soFewAtRate, below, whollyBelow, whollyAbove) {
    const many = count(n, "child", "children");
    const few = x ? count(x, "event", "events") : "no event";
    const group = x ? `${few} in ${many}` : `${many} without an event`;
    const s = (x || n) === 1 ? "s" : "";
    if (whollyBelow) return `${group} exclude${s} ${rate}: the whole two-sided interval lies below it.`;
    if (below) return `${group} exclude${s} ${rate} by the one-sided limit, but not by the two-sided interval.`;
    if (whollyAbove) return `${group} point${s} to a rate above ${rate}: the whole two-sided interval lies above it.`;
    if (x === n) return `${group} cannot exclude ${rate}: where every child had an event, no upper limit is below 100%.`;
    const soFew = x ? `at most ${few}` : few;
    return `${group} cannot exclude ${rate}: at that rate, ${soFew} in ${many} has a probability of ${soFewAtRate}.`;
  }

  function values(x, n, rate, confidence, most) {
    const alpha = 1 - confidence;
    const lower = 1 - upperLimit(n - x, n, alpha / 2);
    const upper = upperLimit(x, n, alpha / 2);
    const oneSided = upperLimit(x, n, alpha);
    const soFew = x === n ? "1" : threeDigits(atMost(x, n, rate));
    const search = (a) => {
      const found = needed(x, rate, a, most);
      return found === null ? `more than ${grouped(most)}` : grouped(found);
    };
    return {
      sentence: sentence(
        x, n, percent(rate), soFew, oneSided < rate - TIE, upper < rate - TIE, lower > rate + TIE
      ),
      observed: percent(x / n),
      lower: percent(lower),
      upper: percent(upper),
      interval: `${percent(lower)} to ${percent(upper)}`,
      one_sided: percent(oneSided),
      exactly: threeDigits(probability(x, n, rate)),
      at_most: soFew,
      needed_one_sided: search(alpha),
      needed_two_sided: search(alpha / 2),
      rate: percent(rate),
      events: count(x, "event", "events"),
      children: count(n, "child", "children"),
    };
  }

  // -- the form ---------------------------------------------------------------------------------------------

  const isWithin = (field, most = Number(field.max)) =>
    field.valueAsNumber >= Number(field.min) && field.valueAsNumber <= most; // an empty field is NaN, and not within

  const isWhole = (field, most) => isWithin(field, most) && Number.isInteger(field.valueAsNumber);

  const tenths = (field) => Math.round(field.valueAsNumber * 10);

  const hasOneDecimal = (field) => Math.abs(field.valueAsNumber * 10 - tenths(field)) < TIE;

  /* Mark a field and show the line beside it, or take both back. */
  function judge(field, isRight) {
    const problem = field.parentElement.querySelector(".casebook-panel-problem");
    problem.hidden = isRight;
    if (isRight) {
      field.removeAttribute("aria-invalid");
      field.removeAttribute("aria-describedby");
    } else {
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-describedby", problem.id);
    }
    return isRight;
  }

  function show(form, shown) {
    for (const element of form.querySelectorAll("[data-shows]")) {
      const text = shown[element.dataset.shows];
      if (element.textContent !== text) element.textContent = text;
    }
    for (const side of ["x", "x1", "x2", "cx"]) {
      for (const mark of form.querySelectorAll(`[data-${side}]`)) {
        mark.setAttribute(side, shown[mark.getAttribute(`data-${side}`)]);
      }
    }
  }

  function start(form) {
    const [events, children, rate, preset] = ["events", "children", "rate", "preset"].map(
      (name) => form.querySelector(`[data-sets=${name}]`)
    );

    function update() {
      const rightChildren = judge(children, isWhole(children));
      const most = rightChildren ? children.valueAsNumber : Number(events.max);
      const rightEvents = judge(events, isWhole(events, most));
      const rightRate = judge(rate, isWithin(rate) && hasOneDecimal(rate));
      const isRight = rightChildren && rightEvents && rightRate;
      form.toggleAttribute("data-stale", !isRight); // the last numbers stay, faint
      if (!isRight) return;
      show(form, values(
        events.valueAsNumber, children.valueAsNumber, tenths(rate) / 1000,
        Number(form.dataset.confidence), Number(form.dataset.most)
      ));
    }

    form.dataset.ready = "";
    form.querySelector("fieldset").disabled = false;
    form.querySelector(".casebook-panel-still").hidden = true;
    form.addEventListener("input", (event) => {
      if (event.target === preset && preset.value) rate.value = preset.value;
      if (event.target === rate && preset) {
        const same = [...preset.options].find((option) => option.value && Number(option.value) === rate.valueAsNumber);
        preset.value = same ? same.value : "";
      }
      update();
    });
    update();
  }

  document.querySelectorAll("form.casebook-panel:not([data-ready])").forEach(start);
})();
