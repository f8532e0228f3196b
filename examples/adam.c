/* Adam in C, for gdref's conformance suite: it speaks the line protocol of
 * gdref.adapters.from_command on its standard input and output.
 *
 *     cc -O2 adam.c -lm -o adam
 *     python -m gdref.conformance --command ./adam --rule adam
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 64 };

static double eta = 0.001, beta1 = 0.9, beta2 = 0.999, eps = 1e-8;

/* settings such as "eta=0.13 beta1=0.6" */
static void set(char *text) {
    for (char *word = strtok(text, " \n"); word; word = strtok(NULL, " \n")) {
        char *value = strchr(word, '=');
        if (!value) continue;
        *value++ = 0;
        double number = strtod(value, NULL);
        if (!strcmp(word, "eta")) eta = number;
        if (!strcmp(word, "beta1")) beta1 = number;
        if (!strcmp(word, "beta2")) beta2 = number;
        if (!strcmp(word, "eps")) eps = number;
    }
}

static void numbers(char *text, double *x, int n) {
    for (int i = 0; i < n; i++) x[i] = strtod(text, &text);
}

static void say(const char *word, const double *x, int n) {
    printf("%s", word);
    for (int i = 0; i < n; i++) printf(" %.17g", x[i]);
    printf("\n");
    fflush(stdout);
}

int main(void) {
    char line[8192];
    double theta[MOST], g[MOST], m[MOST] = {0}, v[MOST] = {0};
    int n = 0;
    while (fgets(line, sizeof line, stdin) && strncmp(line, "end", 3)) {
        if (!strncmp(line, "begin ", 6)) {
            int read = 0;
            if (sscanf(line, "begin %*s %d%n", &n, &read) != 1 || n > MOST) return 1;
            set(line + read);
            memset(m, 0, sizeof m);
            memset(v, 0, sizeof v);
        } else if (!strncmp(line, "theta ", 6)) {
            numbers(line + 6, theta, n);
        } else if (!strncmp(line, "step ", 5)) {
            char *rest;
            long t = strtol(line + 5, &rest, 10);
            set(rest);
            say("grad", theta, n);
            if (!fgets(line, sizeof line, stdin)) return 1;
            numbers(line + strlen("gradient "), g, n);
            for (int i = 0; i < n; i++) {
                m[i] = beta1 * m[i] + (1 - beta1) * g[i];
                v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
                double m_hat = m[i] / (1 - pow(beta1, t));
                double v_hat = v[i] / (1 - pow(beta2, t));
                theta[i] -= eta * m_hat / (sqrt(v_hat) + eps);
            }
            say("theta", theta, n);
        }
    }
    return 0;
}
