r"""Formulas in a student's text: which of them MathJax may set.

MathJax reads a page for ``$...$`` and ``\begin{...}``, and TeX as it knows it can make links, load
extensions, give elements classes and styles, move what it writes over other parts of the page, and
define commands anew for the formulas of everybody. So a formula is set where it uses nothing but
the commands below, which write symbols and arrange them; any other is shown as it was typed.
"""

import re

__all__ = ["typeset"]

LONGEST = 5000  # characters of a formula; about what MathJax itself is willing to read
DEEPEST = 50

# Names of letters, symbols, accents, fonts, arrangements: none makes a link, a style or a command.
NAMES = """
alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa varkappa lambda mu nu
xi omicron pi varpi rho varrho sigma varsigma tau upsilon phi varphi chi psi omega Gamma Delta Theta
Lambda Xi Pi Sigma Upsilon Phi Psi Omega digamma aleph beth gimel hbar hslash imath jmath ell wp Re
Im partial infty prime emptyset varnothing nabla surd top bot angle triangle square forall exists
nexists neg lnot flat natural sharp clubsuit diamondsuit heartsuit spadesuit Box backslash eth mho
Finv Game Bbbk complement blacksquare blacktriangle bigstar checkmark degree sum prod coprod int
iint iiint oint bigcup bigcap bigvee bigwedge bigoplus bigotimes bigodot biguplus bigsqcup limits
nolimits displaylimits pm mp times div cdot cdotp ast star circ bullet cap cup uplus sqcap sqcup vee
wedge lor land setminus smallsetminus wr diamond triangleleft triangleright oplus ominus otimes
oslash odot dagger ddagger amalg ltimes rtimes boxplus boxminus boxtimes boxdot intercal lt gt le
leq leqq leqslant ge geq geqq geqslant ne neq ll lll gg ggg equiv sim nsim simeq approx approxeq
cong ncong propto asymp doteq doteqdot triangleq prec succ preceq succeq subset supset subseteq
supseteq nsubseteq nsupseteq subsetneq supsetneq sqsubset sqsupset sqsubseteq sqsupseteq in ni notin
owns not vdash dashv models perp mid nmid parallel nparallel smile frown bowtie lesssim gtrsim
lessgtr gtrless therefore because colon leftarrow gets rightarrow to leftrightarrow Leftarrow
Rightarrow Leftrightarrow longleftarrow longrightarrow longleftrightarrow Longleftarrow
Longrightarrow Longleftrightarrow implies impliedby iff mapsto longmapsto hookleftarrow
hookrightarrow uparrow downarrow updownarrow Uparrow Downarrow Updownarrow nearrow searrow swarrow
nwarrow leftharpoonup leftharpoondown rightharpoonup rightharpoondown rightleftharpoons leadsto
rightsquigarrow twoheadrightarrow xleftarrow xrightarrow nleftarrow nrightarrow ldots cdots vdots
ddots dots dotsc dotsb dotsm dotsi lbrace rbrace lbrack rbrack langle rangle lceil rceil lfloor
rfloor vert Vert lvert rvert lVert rVert lgroup rgroup ulcorner urcorner llcorner lrcorner left
right middle big Big bigg Bigg bigl Bigl biggl Biggl bigr Bigr biggr Biggr bigm Bigm biggm Biggm hat
widehat check tilde widetilde acute grave dot ddot dddot breve bar vec mathring overline underline
overbrace underbrace overrightarrow overleftarrow overset underset stackrel frac dfrac tfrac cfrac
binom dbinom tbinom sqrt root of over atop choose brace brack pmod bmod mod pod substack arccos
arcsin arctan arg cos cosh cot coth csc deg det dim exp gcd hom inf injlim ker lg lim liminf limsup
ln log max min Pr projlim sec sin sinh sup tan tanh operatorname argmax argmin mathrm mathbf mathit
mathsf mathtt mathcal mathscr mathfrak mathbb mathnormal boldsymbol bf rm it sf tt cal scr frak Bbb
bm pmb text textrm textbf textit textsf texttt textnormal mbox displaystyle textstyle scriptstyle
scriptscriptstyle quad qquad thinspace medspace thickspace negthinspace enspace space begin end
hline hdashline cr tag notag nonumber boxed cancel color textcolor phantom hphantom vphantom
mathstrut strut smash mathop mathbin mathrel mathord mathopen mathclose mathpunct mathinner S P
pounds dag ddag
"""
COMMANDS = frozenset(NAMES.split())
COMMAND = re.compile(r"\\(?:([a-zA-Z]+)|.?)", re.DOTALL)
COMMENT = re.compile(r"(?<!\\)%[^\n]*")


def typeset(formula: str) -> str | None:
    r"""Return a formula, its delimiters included, as HTML; None where it is to be left untouched.

    >>> typeset(r"$a < \frac{b}{2}$")
    '$a \\lt \\frac{b}{2}$'
    >>> typeset(r"$\href{javascript:f()}{x}$") is None
    True
    """
    names = {match[1] for match in COMMAND.finditer(formula) if match[1]}
    plain = COMMENT.sub("", formula)
    if not names <= COMMANDS or len(plain) > LONGEST or not _is_balanced(plain):
        return None
    # MathJax has commands for what HTML would read, and whoever takes formulas out of a text
    # before reading it as HTML finds the same ones.
    plain = plain.replace("<", r"\lt ").replace(">", r"\gt ").replace("&", "& ")
    return " ".join(plain.split())


def _is_balanced(formula: str) -> bool:
    """Tell whether all braces are closed, and not too many are open at a time."""
    depth = 0
    for sign in re.findall(r"[{}]", COMMAND.sub("", formula)):
        depth += 1 if sign == "{" else -1
        if not 0 <= depth <= DEEPEST:
            return False
    return depth == 0
