# make book    the site, in _build/html           make test    all tests
# make lab     the chapters in JupyterLab         make help    the other commands

PYTHON ?= python3
VENV ?= .venv
SCRIPTS := $(if $(filter Windows_NT,$(OS)),Scripts,bin)
BIN := $(VENV)/$(SCRIPTS)
BOOK := _build/html/index.html
PORT ?= 8000
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: book pdf zip test portable lowest newest versions lab execute text notebook first-cell lint mutants libraries dialects compare recipe course course-tools slides handouts solutions benchmarks clean help

book: $(VENV)/installed
	@# a failed build must report its warnings again the next time
	$(BIN)/jupyter-book build . -W -n --keep-going || { rm -rf _build/.doctrees; exit 1; }
	@echo
	@echo "Open the book:   file://$(CURDIR)/$(BOOK)"
	@echo "or serve it:     $(BIN)/python tools/serve.py --port $(PORT)"
	@echo "                 and open http://127.0.0.1:$(PORT)/"

# three passes: the second and the third bring in the references, the contents and the index
TEX := xelatex -interaction=batchmode -halt-on-error gradient-descent.tex
pdf: $(VENV)/installed
	@command -v xelatex >/dev/null || { echo "This needs TeX; on Debian: apt-get install" \
	    "--no-install-recommends texlive-xetex texlive-latex-extra texlive-fonts-recommended" \
	    "tex-gyre fonts-freefont-otf fonts-dejavu-core"; exit 1; }
	$(BIN)/jupyter-book build . --builder latex
	@cd _build/latex && rm -f *.aux *.toc *.out *.idx *.ind && for pass in 1 2 3; do \
	    echo "TeX, pass $$pass of 3"; \
	    $(TEX) && makeindex -q -s python.ist gradient-descent.idx || \
	    { echo "See _build/latex/gradient-descent.log"; exit 1; }; done
	@echo
	@echo "The PDF: $(CURDIR)/_build/latex/gradient-descent.pdf"
	@! grep -E 'Reference .* undefined|Hyper reference|undefined references|^Missing character' \
	    _build/latex/gradient-descent.log || { echo "It is not whole: see above"; exit 1; }

zip: book
	$(BIN)/python tools/zip_site.py _build/html _build/gradient-descent.zip

# the notebooks in a setting that is not this machine's; SETTING=own: as it is
TESTS := -m pytest -n 2 --dist loadscope \
    --nbval --nbval-current-env --nbval-sanitize-with tests/nbval_sanitize.cfg tests chapters
test: $(VENV)/installed
	$(BIN)/python $(TESTS)

# the chapters under other BLAS kernels, fewer vector instructions, flipped last bits;
# SETTING=haswell, or several in quotes (python tools/portable.py --list)
portable: $(VENV)/installed
	$(BIN)/python tools/portable.py $(CHAPTER) $(if $(SETTING),--setting $(SETTING))

# gdref with the oldest versions that it accepts
lowest: .venv-lowest/installed
	.venv-lowest/$(SCRIPTS)/python -m pytest -n 2 --dist loadscope -W ignore tests --ignore tests/test_site.py

# the newest versions, looked for at each run
newest:
	@rm -f .venv-newest/installed
	@$(MAKE) --no-print-directory .venv-newest/installed
	.venv-newest/$(SCRIPTS)/python $(TESTS) --ignore tests/test_pins.py

# the oldest versions on the oldest Python, the pinned ones on the others that are here
OLDEST ?= python3.11
PYTHONS ?= python3.12 python3.13
versions:
	@failed=; try() { \
	    echo; echo "== $$*"; \
	    $$1 --version 2>/dev/null || { echo "not on this machine: skipped"; return; }; \
	    $(MAKE) --no-print-directory PYTHON=$$1 $$2 $$3 || failed="$$failed $$1"; \
	}; \
	try $(OLDEST) lowest; \
	for python in $(PYTHONS); do try $$python test VENV=.venv-$${python##*/}; done; \
	test -z "$$failed" || { echo "failed:$$failed"; exit 1; }

lab: $(VENV)/installed
	$(BIN)/jupyter lab --notebook-dir chapters

# CHAPTER=adam, or several in quotes; make execute without it runs all of them
execute: $(VENV)/installed
	$(BIN)/python tools/notebooks.py execute $(CHAPTER)

text notebook: $(VENV)/installed
	$(BIN)/python tools/notebooks.py $@ $(CHAPTER)

# what installs gdref where it is missing, in the first cell of each chapter
first-cell: $(VENV)/installed
	$(BIN)/python tools/notebooks.py first-cell

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --output-format concise .
	$(BIN)/mypy

mutants: $(VENV)/installed
	$(BIN)/python tests/mutants.py

# PyTorch, Keras and Optax, in an environment of their own, which takes gigabytes: less with the
# index of PyTorch's builds without CUDA in PIP_EXTRA_INDEX_URL. NEWEST=1: not the pinned versions
LIBRARIES ?= .venv-libraries$(if $(NEWEST),-newest)
libraries: $(LIBRARIES)/installed
	$(LIBRARIES)/$(SCRIPTS)/python -m pytest -n 2 tests/libraries tests/test_cases.py tests/test_arrays.py

# WRITE=1 stores what was recorded, RULE=adam records one rule
dialects: $(LIBRARIES)/installed
	$(LIBRARIES)/$(SCRIPTS)/python -m tools.record $(if $(WRITE),--write) $(if $(RULE),--rule $(RULE))

# RULES="momentum adam" builds these questions alone
course: $(VENV)/installed
	$(BIN)/python -m course.build $(RULES)
	$(BIN)/python -m course.plan
	$(BIN)/python -m course.exam

# what students hand in, through pytest, otter-grader and nbgrader, in an environment of their own
course-tools: .venv-course/installed
	.venv-course/$(SCRIPTS)/python -m pytest tests/course --confcutdir tests/course

slides: $(VENV)/installed
	$(BIN)/python -m course.slides $(CHAPTER)

handouts solutions: $(VENV)/installed
	$(BIN)/python -m course.sheets $@ $(CHAPTER)

compare: $(VENV)/installed
	$(BIN)/python -m gdref.experiments.comparison

# goes on where it was interrupted; TEXT=1: with the prose as it is now, and all runs anew
recipe: $(VENV)/installed
	$(if $(TEXT),$(BIN)/python tools/prose.py && rm -f gdref/experiments/recipe.json)
	$(BIN)/python -m gdref.experiments.recipe

benchmarks: $(VENV)/installed
	$(BIN)/python benchmarks/benchmarks.py

# done again only when the pinned versions or the package's metadata change
$(VENV)/installed: requirements.txt constraints.txt
.venv-lowest/installed: requirements-lowest.txt
.venv-newest/installed: requirements-newest.txt
.venv-newest/installed: UPGRADE := --upgrade --upgrade-strategy eager
$(VENV)/installed .venv-lowest/installed .venv-newest/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "This needs Python 3.11 or later; name one: make PYTHON=python3.12 book"; exit 1; }
	@echo "Setting up $(@D) (once; a minute or two)"
	test -x $(@D)/$(SCRIPTS)/python || $(PYTHON) -m venv $(@D)
	$(@D)/$(SCRIPTS)/python -m pip install --progress-bar on $(UPGRADE) -r $(filter requirements%,$^) \
	    $(addprefix -c ,$(filter constraints%,$^))
	$(@D)/$(SCRIPTS)/python -m pip install --no-deps --no-build-isolation -e .
	@touch $@

$(LIBRARIES)/installed: tools/dialects-requirements.txt pyproject.toml
	@echo "Setting up $(@D) (once; several minutes)"
	test -x $(@D)/$(SCRIPTS)/python || $(PYTHON) -m venv $(@D)
	$(@D)/$(SCRIPTS)/python -m pip install --progress-bar on --upgrade pytest pytest-xdist hypothesis \
	    $$(sed '$(if $(NEWEST),s/==.*//)' $<) $(if $(NEWEST),,-c constraints.txt)
	$(@D)/$(SCRIPTS)/python -m pip install --no-deps -e .
	@touch $@

.venv-course/installed: course/requirements.txt pyproject.toml
	@echo "Setting up $(@D) (once; a few minutes)"
	test -x $(@D)/$(SCRIPTS)/python || $(PYTHON) -m venv $(@D)
	$(@D)/$(SCRIPTS)/python -m pip install --progress-bar on -r $<
	$(@D)/$(SCRIPTS)/python -m pip install --no-deps --no-build-isolation -e .
	@touch $@

clean: # the environment stays: remove .venv yourself to begin anew
	rm -rf _build .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

help:
	@echo "make book                    build the site and say how to open it"
	@echo "make pdf                     the whole book as one PDF (needs TeX)"
	@echo "make zip                     the site as one zip, to be opened from a disk"
	@echo "make test                    all tests: gdref, the notebooks, the site"
	@echo "make portable [CHAPTER=adam] the chapters as other machines would run them"
	@echo "make lowest                  the tests with the lowest versions that gdref accepts"
	@echo "make newest                  all tests with the newest versions that there are"
	@echo "make versions                the tests on each Python here, lowest and pinned versions"
	@echo "make lab                     open the chapters in JupyterLab"
	@echo "make execute [CHAPTER=adam]  run the notebooks and store their outputs"
	@echo "make text CHAPTER=adam       write text/adam.md, the chapter as text to be edited"
	@echo "make notebook CHAPTER=adam   bring the edited text back into the notebook"
	@echo "make first-cell              renew what installs gdref in the first cell of the chapters"
	@echo "make lint                    ruff (lint and format) and mypy"
	@echo "make mutants                 planted errors in the rules: which test catches each"
	@echo "make libraries               the tests that need PyTorch, Keras and Optax"
	@echo "make dialects                record the paths of PyTorch, Keras and Optax anew"
	@echo "make course [RULES=adam]     assignments (pytest, otter-grader, nbgrader), plan, exam bank"
	@echo "make course-tools            submissions through the three real tools"
	@echo "make slides [CHAPTER=adam]   slides from the chapters' figures, as HTML and PDF"
	@echo "make handouts [CHAPTER=adam] the exercises without their solutions"
	@echo "make solutions               the exercises with them"
	@echo "make compare                 runs of the comparison of the rules that are not stored yet"
	@echo "make recipe                  train the language model in all its variants, half an hour"
	@echo "make benchmarks              what a step costs"
	@echo "make clean                   remove what was built"
